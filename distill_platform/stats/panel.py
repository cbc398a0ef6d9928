"""Panels: Sharpe ratio, PSR, DSR, drawdown and time under water of thousands of strategies in one call.

A panel has shape (T, N), so neighbours in memory are strategies, and the processor handles several of them at a time.
Tiles of strategies stay in its cache between two passes: one for means and drawdowns, one for the moments about those
means. A strategy's numbers depend on its own column alone and are added up oldest first, so neither its neighbours nor
the number of threads change a bit of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.stats.dsr import dsr_benchmark
from distill_platform.stats.series import Panel, as_panel
from distill_platform.stats.threads import in_chunks

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_TILE = 256  # columns: 1,000 rows of them fill the second-level cache, what is known about each fits the first
_EIGHT_ROWS = (0, 1, 2, 3, 4, 5, 6, 7)  # tuples, as their length is part of their type: loops over them are unrolled
_ONE_ROW = (0,)
_ROUNDING = 1e-12  # as in `psr`
_SQRT_HALF = math.sqrt(0.5)


@dataclass(frozen=True, slots=True, eq=False)
class PanelStatistics:
    """The statistics of N strategies: arrays of length N, in the order of the panel's columns."""

    n_observations: int
    n_trials: float
    var_trials: float
    dsr_benchmark: float
    sharpe: Floats = field(repr=False)
    psr: Floats = field(repr=False)
    dsr: Floats = field(repr=False)
    max_drawdown: Floats = field(repr=False)
    max_time_under_water: Counts = field(repr=False)
    total_under_water: Counts = field(repr=False)
    current_under_water: Counts = field(repr=False)


def panel_statistics(
    returns: Any,
    *,
    sr_benchmark: float = 0.0,
    n_trials: float | None = None,
    var_trials: float | None = None,
    threads: int = 1,
) -> PanelStatistics:
    """Return Sharpe ratio, PSR, DSR, maximum drawdown and time under water of every column of `returns`, shape (T, N).

    Of each column they are what `sharpe`, `psr` (2012: variance at the estimate), `dsr` and `drawdown` (compounding,
    starting equity 1.0) return: ratios per period, drawdowns negative, times in observations. `n_trials` defaults to N
    and `var_trials` to the sample variance (ddof=1) of the panel's own Sharpe ratios, those that are not NaN; the DSR
    is NaN if fewer than two are there for several trials. `sr_benchmark` is for the PSR; the DSR has `dsr_benchmark`.

    A constant column, and a single observation, have drawdowns, but NaN for the three ratios; so have PSR and DSR where
    fourth powers of deviations leave the range of floats (below 1e-80, above 1e77). Costs O(T N): the panel is read
    twice, and copied only if it is not float64 in C order. Raises ValueError for NaN, infinity, returns below -1, other
    shapes, no observations or no strategies, and for trials that `dsr_benchmark` refuses.
    """
    panel = _as_panel(returns)
    n_observations, n_strategies = panel.shape
    moments, water = _measured(panel, threads)
    sharpe, skew, kurt = _shapes(moments, n_observations)
    n_trials = n_strategies if n_trials is None else n_trials
    var_trials, hurdle = _hurdle(sharpe, n_trials, var_trials)
    psr, dsr = (_probabilities(sharpe, skew, kurt, n_observations, float(sr)) for sr in (sr_benchmark, hurdle))
    longest, total, current = water[1:4].astype(np.int64)
    return PanelStatistics(
        n_observations, n_trials, var_trials, hurdle, sharpe, psr, dsr, water[0], longest, total, current
    )


def _as_panel(returns: Any) -> Panel:
    """Return a panel that may still hold NaN or infinity: kernels find those on their way, so nothing is read twice."""
    ready = type(returns) is np.ndarray and returns.dtype == np.float64 and returns.flags.c_contiguous
    panel = returns if ready and returns.ndim == 2 else as_panel(returns)
    if 0 in panel.shape:
        raise ValueError(f"returns must hold at least one observation of one strategy, but have shape {panel.shape}")
    return panel


def _measured(panel: Panel, threads: int) -> tuple[Floats, Floats]:
    """Return, of each column, the mean with the sums of the 2nd to 4th powers of deviations from it, the 2nd NaN if it
    is constant; and drawdown and times under water.
    """
    n_strategies = panel.shape[1]
    moments, water = np.empty((4, n_strategies)), np.empty((4, n_strategies))

    def fill(tiles: slice) -> None:
        _fill(panel, tiles.start * _TILE, min(tiles.stop * _TILE, n_strategies), moments, water)

    in_chunks(fill, -(-n_strategies // _TILE), threads)
    if not np.isfinite(moments[0]).all():
        as_panel(panel)  # raises and says where, unless it was the sum of finite returns that became infinite
    _refuse_below_everything(panel, water[0])
    return moments, water


def _refuse_below_everything(panel: Panel, max_drawdown: Floats) -> None:
    lost = np.flatnonzero(max_drawdown <= -1.0)  # the only columns that a return below -1 can be in
    if (panel[:, lost] < -1.0).any():
        row, column = np.argwhere(panel < -1.0)[0].tolist()
        raise ValueError(f"returns is below -1 at row {row}, column {column}: no more than everything can be lost")


def _shapes(moments: Floats, n: int) -> tuple[Floats, Floats, Floats]:
    """Return Sharpe ratio (ddof=1), skewness and raw kurtosis (population)."""
    mean, second, third, fourth = moments
    second = np.where((second > 0.0) & (second < math.inf), second, math.nan)
    with np.errstate(all="ignore"):
        variance = second / n
        sharpe = mean / np.sqrt(second / np.float64(n - 1))
        return sharpe, third / n / (variance * np.sqrt(variance)), fourth / n / (variance * variance)


def _hurdle(sharpe: Floats, n_trials: float, var_trials: float | None) -> tuple[float, float]:
    """Return the variance of the trials and the benchmark of the DSR, NaN if several trials vary nobody knows how."""
    ratios = np.sort(sharpe[~np.isnan(sharpe)])  # so that the order of strategies changes no bit
    if var_trials is None and len(ratios) > 1:
        var_trials = float(ratios.var(ddof=1))
    elif var_trials is None:
        unknown = 0.0 if n_trials == 1 else math.nan
        return unknown, unknown
    return var_trials, dsr_benchmark(var_trials, n_trials)


@kernel
def _fill(returns: Panel, first: int, end: int, moments: Floats, water: Floats) -> None:
    for start in range(first, end, _TILE):
        stop = min(start + _TILE, end)
        _fill_water(returns, start, moments[0, start:stop], water[:, start:stop])
        _fill_moments(returns, start, moments[:, start:stop])


@kernel
def _fill_water(returns: Panel, start: int, means: Floats, water: Floats) -> None:
    n, width = len(returns), len(means)
    sums, depths, deepest = np.zeros(width), np.ones(width), np.ones(width)
    longest, total, current = np.zeros(width), np.zeros(width), np.zeros(width)
    whole = n - n % len(_EIGHT_ROWS)
    for row in range(0, whole, len(_EIGHT_ROWS)):
        _descend(returns, start, row, _EIGHT_ROWS, sums, depths, deepest, longest, total, current)
    for row in range(whole, n):
        _descend(returns, start, row, _ONE_ROW, sums, depths, deepest, longest, total, current)
    means[:] = sums / n
    water[0], water[1], water[2], water[3] = deepest - 1.0, longest, total, current


@kernel
def _descend(
    returns: Panel, start: int, row: int, rows: tuple[int, ...], sums: Floats, depths: Floats, deepest: Floats,
    longest: Floats, total: Floats, current: Floats,
) -> None:  # fmt: skip
    """Move each column on by some rows: sum, equity as a share of its peak, and its time below that peak."""
    for i in range(len(sums)):
        added, depth, bottom = sums[i], depths[i], deepest[i]
        most, all_below, run = longest[i], total[i], current[i]
        for offset in rows:
            simple = returns[row + offset, start + i]
            added += simple
            depth = min(1.0, depth * (1.0 + simple))
            bottom = min(bottom, depth)
            below = 1.0 if depth < 1.0 else 0.0
            run = (run + below) * below
            most = max(most, run)
            all_below += below
        sums[i], depths[i], deepest[i] = added, depth, bottom
        longest[i], total[i], current[i] = most, all_below, run


@kernel
def _fill_moments(returns: Panel, start: int, moments: Floats) -> None:
    n, width = len(returns), moments.shape[1]
    means = moments[0].copy()
    first, second, third, fourth = np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width)
    whole = n - n % len(_EIGHT_ROWS)
    for row in range(0, whole, len(_EIGHT_ROWS)):
        _deviate(returns, start, row, _EIGHT_ROWS, means, first, second, third, fourth)
    for row in range(whole, n):
        _deviate(returns, start, row, _ONE_ROW, means, first, second, third, fourth)
    moments[0] += first / n  # what rounding left out of the mean
    for i in range(width):
        moments[1, i] = math.nan if _is_constant(returns, start + i) else second[i]
    moments[2], moments[3] = third, fourth


@kernel
def _deviate(
    returns: Panel, start: int, row: int, rows: tuple[int, ...], means: Floats, first: Floats, second: Floats,
    third: Floats, fourth: Floats,
) -> None:  # fmt: skip
    """Add the powers of some rows' deviations from the means."""
    for i in range(len(means)):
        mean = means[i]
        power_1, power_2, power_3, power_4 = first[i], second[i], third[i], fourth[i]
        for offset in rows:
            deviation = returns[row + offset, start + i] - mean
            square = deviation * deviation
            power_1 += deviation
            power_2 += square
            power_3 += square * deviation
            power_4 += square * square
        first[i], second[i], third[i], fourth[i] = power_1, power_2, power_3, power_4


@kernel
def _is_constant(returns: Panel, column: int) -> bool:
    row = 0
    while row < len(returns) and returns[row, column] == returns[0, column]:  # nearly always ended by the second row
        row += 1
    return row == len(returns)


@kernel
def _probabilities(sharpe: Floats, skew: Floats, kurt: Floats, n: int, benchmark: float) -> Floats:
    """Return the PSR of 2012 of each strategy; see `psr_from_moments`."""
    found = np.full(len(sharpe), math.nan)
    for i in range(len(sharpe)):
        sr = sharpe[i]
        variance = 1.0 - skew[i] * sr + (kurt[i] - 1.0) / 4.0 * sr * sr
        if n >= 2 and kurt[i] >= skew[i] ** 2 + 1.0 - _ROUNDING * kurt[i] and variance > _ROUNDING:
            z = (sr - benchmark) * math.sqrt(n - 1) / math.sqrt(variance)
            found[i] = 0.5 * math.erfc(-z * _SQRT_HALF)
    return found
