"""Days: a run's steps put together by the UTC day they cover, once, for everything that is measured by the day."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.steps import Floats, Integers, Steps
from distill_platform.stats import utc_days
from distill_platform.stats.residue import is_residue
from distill_platform.stats.sharpe import sharpe, sharpe_standard_error

DAYS_PER_YEAR = 365
"""What a year is wherever something is given by the year; Sharpe ratios take its square root."""

LARGEST = 1e100
"""Times the equity, in one day: what grows faster cannot be measured, as its sums would leave the range of floats."""

Days = npt.NDArray[np.datetime64]

_YEARLY = math.sqrt(DAYS_PER_YEAR)


@dataclass(frozen=True, eq=False)
class DailySeries:
    """The D days on which a run has steps, oldest first: arrays of shape (D,), all of length 0 if it is unmeasurable.

    `net` and `gross` compound the returns of a day's steps; `pnl`, costs and `turnover` are their sums, `pnl` that of
    net returns. `exposure` is the mean of its absolute value, `n_steps` how many steps there were and `first` the
    position of the day's first. `magnitude` is how large the terms are from which a daily return was rounded.
    """

    days: Days = field(repr=False)
    net: Floats = field(repr=False)
    gross: Floats = field(repr=False)
    pnl: Floats = field(repr=False)
    fee: Floats = field(repr=False)
    slippage: Floats = field(repr=False)
    funding: Floats = field(repr=False)
    turnover: Floats = field(repr=False)
    exposure: Floats = field(repr=False)
    n_steps: Integers = field(repr=False)
    first: Integers = field(repr=False)
    magnitude: float

    def __len__(self) -> int:
        return len(self.days)

    @property
    def calendar_days(self) -> int:
        """Return the number of days from the first to the last, both included."""
        return int((self.days[-1] - self.days[0]).astype(np.int64)) + 1 if len(self) else 0


def daily_series(steps: Steps) -> DailySeries:
    """Return the days of a run. A bar belongs to the day it covers: one that ends at midnight to the day before.

    A day's return is prod(1 + r) - 1. Where days differ by rounding alone, each is set to the first: a constant series
    has no dispersion, and a ratio over what rounding left of one would pass any gate.
    """
    if not steps.is_measurable:
        return _no_days()
    days = utc_days(steps.ts_end)
    first = np.flatnonzero(np.diff(days.astype(np.int64), prepend=days[:1].astype(np.int64) - 1))
    n_steps = np.diff(first, append=len(days))
    with np.errstate(over="ignore"):
        growth, gross_growth = (np.multiply.reduceat(1.0 + column, first) for column in (steps.net, steps.gross))
    magnitude = float(n_steps.max()) * float(max(growth.max(), gross_growth.max()))
    if not magnitude <= LARGEST:
        return _no_days()
    pnl, fee, slippage, funding, turnover, exposure = (
        np.add.reduceat(column, first)
        for column in (steps.net, steps.fee, steps.slippage, steps.funding, steps.turnover, np.abs(steps.exposure))
    )
    return DailySeries(
        days[first], settled(growth - 1.0, magnitude), settled(gross_growth - 1.0, magnitude), pnl, fee, slippage,
        funding, turnover, exposure / n_steps, n_steps, first, magnitude,
    )  # fmt: skip


def settled(series: Floats, magnitude: float) -> Floats:
    """Return the series, made exactly constant if it varies no more than terms of that magnitude are rounded."""
    return np.full(len(series), series[0]) if len(series) and is_residue(series, magnitude) else series


def on_calendar(days: Days, series: Floats) -> Floats:
    """Return one value for each day of the calendar from the first to the last of `days`, 0 where there is none."""
    filled = np.zeros(int((days[-1] - days[0]).astype(np.int64)) + 1)
    filled[(days - days[0]).astype(np.int64)] = series
    return filled


def sharpe_annual(days: Days, series: Floats) -> float:
    """Return the Sharpe ratio by the year of returns on `days`: `stats.sharpe_daily_annualized` of what is daily.

    Days of the calendar without steps return 0, and the year has 365. NaN below two days, for returns that are all
    the same, gaps or not, and for what is not finite.
    """
    if len(series) < 2 or not np.isfinite(series).all() or series.max() == series.min():
        return math.nan
    return sharpe(on_calendar(days, series)) * _YEARLY


def sharpe_annual_standard_error(days: Days, series: Floats) -> float:
    """Return the standard error of `sharpe_annual` (Mertens 2002), by the year as well; NaN where that is."""
    if math.isnan(sharpe_annual(days, series)):
        return math.nan
    return sharpe_standard_error(on_calendar(days, series)) * _YEARLY


def _no_days() -> DailySeries:
    none, no_days, no_counts = np.empty(0), np.empty(0, "datetime64[D]"), np.empty(0, np.int64)
    return DailySeries(no_days, *(none,) * 8, no_counts, no_counts, math.nan)
