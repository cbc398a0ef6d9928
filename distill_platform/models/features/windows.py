"""Windows: sums over the last rows of a panel, each added up from its own rows alone, oldest first.

Nothing is carried over from row to row: the number of a moment has the same bits whether it is computed from its window
or among years of others, which is what makes features online and offline equal. It costs O(T N window), but the rows of
a tile are added side by side in vector registers, each in its own fixed order.

Panels have shape (T, N). The first rows, whose window begins before the panel does, are NaN, and so is every row whose
window holds a NaN.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.strategies.bars import Panel

_Flat = npt.NDArray[np.float64]
_TILE = 512
_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)


def window_sum(values: Panel, window: int) -> Panel:
    """Return the sum of the last `window` rows."""
    sums = np.full(values.shape, math.nan)
    _sum(_flat(values), window, values.shape[1], sums.reshape(-1))
    return sums


def window_mean(values: Panel, window: int) -> Panel:
    """Return the mean of the last `window` rows."""
    return window_sum(values, window) / window


def window_comoment(left: Panel, right: Panel, window: int) -> Panel:
    """Return the sum over the last `window` rows of the product of both deviations from their means in that window."""
    means = [_flat(window_mean(values, window)) for values in (left, right)]
    moments = np.full(left.shape, math.nan)
    _comoment(_flat(left), _flat(right), means[0], means[1], window, left.shape[1], moments.reshape(-1))
    return moments


def window_variation(values: Panel, window: int) -> Panel:
    """Return the sum of squared deviations of the last `window` rows from their mean.

    Exactly 0 where they are equal but for the rounding of what they were computed from, such as logs of prices: what
    is left of a difference is no variation, and divided by it anything is enormous.
    """
    means = window_mean(values, window)
    squares = np.full(values.shape, math.nan)
    _comoment(_flat(values), _flat(values), _flat(means), _flat(means), window, values.shape[1], squares.reshape(-1))
    return _without_residue(squares, means, window)


def window_spread(values: Panel, window: int) -> Panel:
    """Return the standard deviation (ddof=1) of the last `window` rows, at least 2; exactly 0 where all are equal."""
    spread: Panel = np.sqrt(window_variation(values, window) / (window - 1))
    return spread


def window_correlation(left: Panel, right: Panel, window: int) -> Panel:
    """Return Pearson's correlation of the last `window` rows; NaN where one of them does not vary."""
    spreads = np.sqrt(window_variation(left, window)) * np.sqrt(window_variation(right, window))
    return ratio(window_comoment(left, right, window), spreads)


def window_skewness(values: Panel, window: int) -> Panel:
    """Return the population skewness m3 / m2^1.5 of the last `window` rows; NaN where all are equal."""
    means = window_mean(values, window)
    squares, cubes = np.full(values.shape, math.nan), np.full(values.shape, math.nan)
    _moments(_flat(values), _flat(means), window, values.shape[1], squares.reshape(-1), cubes.reshape(-1))
    squares = _without_residue(squares, means, window)
    return ratio(cubes * math.sqrt(window), squares * np.sqrt(squares))


def window_fall(prices: Panel, window: int) -> Panel:
    """Return the deepest fall from a running peak within the last `window` rows, as a fraction of the peak, >= 0."""
    falls = np.full(prices.shape, math.nan)
    _fall(_flat(prices), window, prices.shape[1], falls.reshape(-1))
    falls[np.isnan(window_sum(prices, window))] = math.nan
    return falls


def ratio(above: Panel, below: Panel) -> Panel:
    """Return the quotient, NaN where nothing is divided by nothing, or anything by nothing, or what is unknown."""
    known = np.isfinite(above) & np.isfinite(below) & (below != 0.0)
    quotient: Panel = np.divide(above, below, out=np.full(above.shape, math.nan), where=known)
    return quotient


def shifted(values: Panel, rows: int) -> Panel:
    """Return what the values were that many rows before; NaN in the first rows."""
    earlier = np.full(values.shape, math.nan)
    if rows < len(values):
        earlier[rows:] = values[: len(values) - rows]
    return earlier


def logarithm(values: Panel) -> Panel:
    """Return natural logarithms, one at a time: vector libraries round them otherwise at the end of an array."""
    logs = np.empty(values.shape)
    _logarithm(_flat(values), logs.reshape(-1))
    return logs


def _flat(values: Panel) -> _Flat:
    return np.ascontiguousarray(values, np.float64).reshape(-1)


def _without_residue(squares: Panel, means: Panel, window: int) -> Panel:
    """Return sums of squared deviations, 0 where no deviation is more than a rounding of the mean, or of 1."""
    rounding = _ROUNDING * np.maximum(np.abs(means), 1.0)
    return np.where(squares <= window * rounding * rounding, 0.0, squares)


@kernel
def _logarithm(values: _Flat, logs: _Flat) -> None:
    for cell in range(len(values)):
        logs[cell] = math.log(values[cell])


@kernel
def _sum(values: _Flat, window: int, width: int, sums: _Flat) -> None:
    """Fill sums of panels laid out row after row: the cell a row earlier lies `width` places before."""
    for start in range((window - 1) * width, len(values), _TILE):
        total = sums[start : start + _TILE]
        total[:] = 0.0
        for back in range((window - 1) * width, -1, -width):
            term = values[start - back : start - back + len(total)]
            for cell in range(len(total)):
                total[cell] += term[cell]


@kernel
def _comoment(
    left: _Flat, right: _Flat, left_mean: _Flat, right_mean: _Flat, window: int, width: int, moments: _Flat
) -> None:
    for start in range((window - 1) * width, len(left), _TILE):
        total = moments[start : start + _TILE]
        total[:] = 0.0
        mean, other_mean = left_mean[start : start + _TILE], right_mean[start : start + _TILE]
        for back in range((window - 1) * width, -1, -width):
            term = left[start - back : start - back + len(total)]
            other = right[start - back : start - back + len(total)]
            for cell in range(len(total)):
                total[cell] += (term[cell] - mean[cell]) * (other[cell] - other_mean[cell])


@kernel
def _moments(values: _Flat, means: _Flat, window: int, width: int, squares: _Flat, cubes: _Flat) -> None:
    for start in range((window - 1) * width, len(values), _TILE):
        square, cube = squares[start : start + _TILE], cubes[start : start + _TILE]
        square[:] = 0.0
        cube[:] = 0.0
        mean = means[start : start + _TILE]
        for back in range((window - 1) * width, -1, -width):
            term = values[start - back : start - back + len(mean)]
            for cell in range(len(mean)):
                apart = term[cell] - mean[cell]
                square[cell] += apart * apart
                cube[cell] += apart * apart * apart


@kernel
def _fall(prices: _Flat, window: int, width: int, falls: _Flat) -> None:
    peak = np.empty(_TILE)
    for start in range((window - 1) * width, len(prices), _TILE):
        fall = falls[start : start + _TILE]
        fall[:] = 0.0
        peak[:] = 0.0
        for back in range((window - 1) * width, -1, -width):
            price = prices[start - back : start - back + len(fall)]
            for cell in range(len(fall)):
                peak[cell] = max(price[cell], peak[cell])
                here = 1.0 - price[cell] / peak[cell]
                fall[cell] = max(here, fall[cell])
