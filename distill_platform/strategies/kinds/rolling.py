"""Rolling windows over the columns of a panel: sum, mean, spread, extremes and rank of the last `window` rows.

The first window - 1 rows are NaN, and so is every row whose window holds a NaN. Sums, spreads and extremes are those of
the end of one block of `window` rows joined with the beginning of the next (van Herk 1992, Gil and Werman 1993): O(T N)
for any window, and nothing is ever subtracted, so no NaN lingers and no rounding builds up.
"""

from __future__ import annotations

import math

import numpy as np

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import Panel


def rolling_mean(values: Panel, window: int) -> Panel:
    """Return the mean of the last `window` rows, shape (T, N)."""
    sums = np.full(values.shape, math.nan)
    _sum(values, window, sums)
    return sums / window


def rolling_max(values: Panel, window: int) -> Panel:
    """Return the largest of the last `window` rows, shape (T, N)."""
    largest = np.full(values.shape, math.nan)
    _max(values, window, largest)
    return largest


def rolling_min(values: Panel, window: int) -> Panel:
    """Return the smallest of the last `window` rows, shape (T, N)."""
    return -rolling_max(-values, window)


def rolling_moments(values: Panel, window: int) -> tuple[Panel, Panel]:
    """Return mean and standard deviation (ddof=1) of the last `window` rows, at least 2, each of shape (T, N).

    The deviation is exactly 0 where all values of the window are equal. Chan, Golub and LeVeque (1983).
    """
    means, squares = np.full(values.shape, math.nan), np.full(values.shape, math.nan)
    _moments(values, window, means, squares)
    return means, np.sqrt(squares / (window - 1))


def rolling_rank(values: Panel, window: int) -> Panel:
    """Return the rank of each value among the last `window` rows, itself included, in (0, 1): (less + equal / 2) / n.

    O(T N window).
    """
    ranks = np.full(values.shape, math.nan)
    _rank(values, window, ranks)
    return ranks


@kernel
def _sum(values: Panel, window: int, out: Panel) -> None:
    n_rows, width = values.shape
    older = np.zeros((window + 1, width))  # of the block before: the sum from each of its rows to its end
    newer = np.zeros(width)
    for row in range(n_rows):
        place = row % window
        if place == 0 and row > 0:
            for back in range(window - 1, -1, -1):
                older[back] = older[back + 1] + values[row - window + back]
        if place == 0:
            newer[:] = 0.0
        newer += values[row]
        if row >= window - 1:
            out[row] = older[place + 1] + newer


@kernel
def _max(values: Panel, window: int, out: Panel) -> None:
    n_rows, width = values.shape
    older = np.full((window + 1, width), -np.inf)
    newer = np.full(width, -np.inf)
    for row in range(n_rows):
        place = row % window
        if place == 0 and row > 0:
            for back in range(window - 1, -1, -1):
                older[back] = np.maximum(older[back + 1], values[row - window + back])
        if place == 0:
            newer[:] = -np.inf
        newer[:] = np.maximum(newer, values[row])
        if row >= window - 1:
            out[row] = np.maximum(older[place + 1], newer)


@kernel
def _moments(values: Panel, window: int, means: Panel, squares: Panel) -> None:
    n_rows, width = values.shape
    older_means, older_squares = np.zeros((window + 1, width)), np.zeros((window + 1, width))
    mean, square = np.zeros(width), np.zeros(width)
    for row in range(n_rows):
        place = row % window
        if place == 0 and row > 0:
            for back in range(window - 1, -1, -1):
                deviation = values[row - window + back] - older_means[back + 1]
                older_means[back] = older_means[back + 1] + deviation / (window - back)
                rest = values[row - window + back] - older_means[back]
                older_squares[back] = older_squares[back + 1] + deviation * rest
        if place == 0:
            mean[:] = 0.0
            square[:] = 0.0
        deviation = values[row] - mean
        mean += deviation / (place + 1)
        square += deviation * (values[row] - mean)
        if row >= window - 1:
            count, apart = place + 1, mean - older_means[place + 1]
            means[row] = older_means[place + 1] + apart * (count / window)
            joined = apart * apart * (count * (window - count) / window)
            squares[row] = older_squares[place + 1] + square + joined


@kernel
def _rank(values: Panel, window: int, out: Panel) -> None:
    n_rows, width = values.shape
    for row in range(window - 1, n_rows):
        for column in range(width):
            value, below = values[row, column], 0.0
            for back in range(row - window + 1, row + 1):
                other = values[back, column]
                below += 1.0 if other < value else 0.5 if other == value else 0.0 if other > value else math.nan
            out[row, column] = below / window
