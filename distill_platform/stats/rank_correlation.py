"""Rank correlation: how far one series orders observations as another does."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_platform.stats.correlation import correlation_matrix
from distill_platform.stats.series import Series, as_series


def rank_correlation(x: Any, y: Any) -> float:
    """Return Spearman's rank correlation of two series, equal values sharing their mean rank.

    NaN below two observations and where a series does not vary: a constant score orders nothing. The same bits on every
    machine. Of scores and what came after them it is the rank information coefficient (Grinold and Kahn 2000, chapter
    6). O(n log n). Raises ValueError for lengths that differ, NaN and infinities.
    """
    first, second = as_series(x, name="x"), as_series(y, name="y")
    if len(first) != len(second):
        raise ValueError(f"x and y must have one length, not {len(first)} and {len(second)}")
    if len(first) < 2:
        return float("nan")
    return float(correlation_matrix(np.column_stack([_ranks(first), _ranks(second)]))[0, 1])


def _ranks(values: Series) -> Series:
    """Return the rank of each value from 0, equal values sharing the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    edges = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    counts = np.diff(np.append(edges, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(edges + (counts - 1) / 2.0, counts)
    return ranks
