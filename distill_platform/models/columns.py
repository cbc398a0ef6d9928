"""Columns: the features of a model out of a frame, as the numbers that it computes with."""

from __future__ import annotations

import numpy as np

from distill_platform.models.frames import FeatureFrame, Floats

_LARGEST = 1e100  # what is larger cannot be squared, and is no measurement


def model_columns(frame: FeatureFrame, names: tuple[str, ...]) -> Floats:
    """Return the values of some features, shape (N, F), C order, NaN for what is missing, infinite or beyond 1e100.

    Raises KeyError for a name that the frame does not have.
    """
    values = np.array(frame.columns(names), dtype=np.float64, order="C")
    values[~(np.abs(values) <= _LARGEST)] = np.nan
    return values


def only_usable(frame: FeatureFrame, scores: Floats) -> Floats:
    """Return the scores, NaN in rows that must not be scored."""
    return np.where(frame.is_usable, scores, np.nan)
