"""Exponential smoothing that starts from the plain mean of its first values, as Wilder and most charting do."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import Panel


def smoothed(values: Panel, alpha: float, warm_up: int) -> Panel:
    """Return s += alpha (x - s), started at the mean of the first `warm_up` known values, shape (T, N).

    NaN before that, and where the value itself is NaN; the state carries over what is missing.
    """
    out = np.full(values.shape, math.nan)
    _smooth(values, alpha, warm_up, out)
    return out


@kernel
def _smooth(values: Panel, alpha: float, warm_up: int, out: Panel) -> None:
    n_rows, width = values.shape
    state, seen = np.zeros(width), np.zeros(width, np.int64)
    for row in range(n_rows):
        for column in range(width):
            value = values[row, column]
            if math.isnan(value):
                continue
            seen[column] += 1
            weight = alpha if seen[column] > warm_up else 1.0 / seen[column]
            state[column] += weight * (value - state[column])
            if seen[column] >= warm_up:
                out[row, column] = state[column]
