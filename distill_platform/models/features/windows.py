"""Windows: sums over the last rows of a panel, each added up from its own rows alone, oldest first.

Nothing is carried over from row to row: the number of a moment has the same bits whether it is computed from its window
or among years of others, which is what makes features online and offline equal. It costs O(T N window), but the rows of
a tile are added side by side in vector registers, each in its own fixed order.

Panels have shape (T, N). The first rows, whose window begins before the panel does, are NaN, and so is every row whose
window holds a NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True, eq=False)
class Windowed:
    """A panel as its windows of some length show it; what is asked for is computed once."""

    values: Panel
    window: int

    @cached_property
    def mean(self) -> Panel:
        """Return the mean."""
        return window_mean(self.values, self.window)

    @cached_property
    def variation(self) -> Panel:
        """Return the sum of squared deviations from the mean.

        Exactly 0 where all rows are equal but for the rounding of what they were computed from, such as logs of
        prices: what is left of a difference is no variation, and divided by it anything is enormous.
        """
        squares = np.full(self.values.shape, math.nan)
        _variation(_flat(self.values), _flat(self.mean), self.window, self.values.shape[1], squares.reshape(-1))
        return self._without_residue(squares)

    @cached_property
    def spread(self) -> Panel:
        """Return the standard deviation (ddof=1); the window has at least 2 rows."""
        spread: Panel = np.sqrt(self.variation / (self.window - 1))
        return spread

    @cached_property
    def skewness(self) -> Panel:
        """Return the population skewness m3 / m2^1.5; NaN where nothing varies."""
        cubes = np.full(self.values.shape, math.nan)
        _cubes(_flat(self.values), _flat(self.mean), self.window, self.values.shape[1], cubes.reshape(-1))
        return ratio(cubes * math.sqrt(self.window), self.variation * np.sqrt(self.variation))

    def comoment(self, other: Windowed) -> Panel:
        """Return the sum of the products of both deviations from their means, for windows of the same length."""
        moments = np.full(self.values.shape, math.nan)
        left, left_mean = _flat(self.values), _flat(self.mean)
        right, right_mean = _flat(other.values), _flat(other.mean)
        _comoment(left, right, left_mean, right_mean, self.window, self.values.shape[1], moments.reshape(-1))
        return moments

    def correlation(self, other: Windowed) -> Panel:
        """Return Pearson's correlation; NaN where one of them does not vary."""
        return ratio(self.comoment(other), np.sqrt(self.variation) * np.sqrt(other.variation))

    def autocorrelation(self) -> Panel:
        """Return Pearson's correlation with the window of one row before; NaN where one of them does not vary."""
        products = self.comoment(Windowed(shifted(self.values, 1), self.window))
        return ratio(products, np.sqrt(self.variation) * np.sqrt(shifted(self.variation, 1)))

    def _without_residue(self, squares: Panel) -> Panel:
        """Return sums of squared deviations, 0 where no deviation is more than a rounding of the mean, or of 1."""
        rounding = _ROUNDING * np.maximum(np.abs(self.mean), 1.0)
        return np.where(squares <= self.window * rounding * rounding, 0.0, squares)


def window_max(values: Panel, window: int) -> Panel:
    """Return the largest of the last `window` rows."""
    largest = np.full(values.shape, math.nan)
    _max(_flat(values), window, values.shape[1], largest.reshape(-1))
    return _unknown_with(largest, values, window)


def window_fall(values: Panel, window: int) -> Panel:
    """Return the deepest fall from a running peak within the last `window` rows, >= 0."""
    falls = np.full(values.shape, math.nan)
    _fall(_flat(values), window, values.shape[1], falls.reshape(-1))
    return _unknown_with(falls, values, window)


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


def _unknown_with(found: Panel, values: Panel, window: int) -> Panel:
    """Return what was found, NaN where the window holds a NaN: comparisons pass over it."""
    return np.where(np.isnan(window_sum(values, window)), math.nan, found)


def _flat(values: Panel) -> _Flat:
    return np.ascontiguousarray(values, np.float64).reshape(-1)


@kernel
def _logarithm(values: _Flat, logs: _Flat) -> None:
    for cell in range(len(values)):
        logs[cell] = math.log(values[cell])


@kernel
def _sum(values: _Flat, window: int, width: int, sums: _Flat) -> None:
    """Fill sums of panels laid out row after row: the cell a row earlier lies `width` places before.

    Two rows are added in one pass, one after the other, which halves what is read and written in between.
    """
    for start in range((window - 1) * width, len(values), _TILE):
        total = sums[start : start + _TILE]
        oldest = start - (window - 1) * width
        total[:] = 0.0
        if window % 2:
            total[:] = values[oldest : oldest + len(total)]
        for back in range((window - 1 - window % 2) * width, -1, -2 * width):
            older = values[start - back : start - back + len(total)]
            newer = values[start - back + width : start - back + width + len(total)]
            for cell in range(len(total)):
                total[cell] = (total[cell] + older[cell]) + newer[cell]


@kernel
def _variation(values: _Flat, means: _Flat, window: int, width: int, squares: _Flat) -> None:
    for start in range((window - 1) * width, len(values), _TILE):
        total, mean = squares[start : start + _TILE], means[start : start + _TILE]
        total[:] = 0.0
        for back in range((window - 1) * width, -1, -width):
            term = values[start - back : start - back + len(total)]
            for cell in range(len(total)):
                apart = term[cell] - mean[cell]
                total[cell] += apart * apart


@kernel
def _cubes(values: _Flat, means: _Flat, window: int, width: int, cubes: _Flat) -> None:
    for start in range((window - 1) * width, len(values), _TILE):
        total, mean = cubes[start : start + _TILE], means[start : start + _TILE]
        total[:] = 0.0
        for back in range((window - 1) * width, -1, -width):
            term = values[start - back : start - back + len(total)]
            for cell in range(len(total)):
                apart = term[cell] - mean[cell]
                total[cell] += apart * apart * apart


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
def _max(values: _Flat, window: int, width: int, largest: _Flat) -> None:
    for start in range((window - 1) * width, len(values), _TILE):
        top = largest[start : start + _TILE]
        top[:] = -math.inf
        for back in range((window - 1) * width, -1, -width):
            value = values[start - back : start - back + len(top)]
            for cell in range(len(top)):
                top[cell] = max(value[cell], top[cell])


@kernel
def _fall(values: _Flat, window: int, width: int, falls: _Flat) -> None:
    peak = np.empty(_TILE)
    for start in range((window - 1) * width, len(values), _TILE):
        fall = falls[start : start + _TILE]
        fall[:] = 0.0
        peak[:] = -math.inf
        for back in range((window - 1) * width, -1, -width):
            value = values[start - back : start - back + len(fall)]
            for cell in range(len(fall)):
                peak[cell] = max(value[cell], peak[cell])
                fall[cell] = max(peak[cell] - value[cell], fall[cell])
