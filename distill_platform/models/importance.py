"""Importance: how much each feature moves the scores of a model, and in which direction."""

from __future__ import annotations

import numpy as np

from distill_platform.models.frames import Floats
from distill_platform.stats import correlation_matrix


def signed_importance(contributions: Floats, values: Floats) -> Floats:
    """Return the mean size of each feature's contribution, shape (F,), in units of the score, with a sign.

    It is negative where the contribution falls as the feature's value rises (their correlation, over the rows in which
    both are there), and 0 for a feature that never counts. Both arguments have shape (N, F); rows with a contribution
    that is not a number are left out. NaN without any row.
    """
    known = np.isfinite(contributions).all(axis=1)
    added, seen = contributions[known], values[known]
    if not len(added):
        return np.full(contributions.shape[1], np.nan)
    signs = np.array([_sign(added[:, place], seen[:, place]) for place in range(added.shape[1])])
    strength: Floats = np.abs(added).mean(axis=0) * signs
    return strength


def _sign(contribution: Floats, value: Floats) -> float:
    both = np.isfinite(value)
    correlation = correlation_matrix(np.column_stack([contribution[both], value[both]]))[0, 1] if both.any() else 0.0
    return -1.0 if correlation < 0.0 else 1.0
