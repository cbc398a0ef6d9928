"""The book of a backtest: what every bar and every order came to, as arrays, and the proof that it closes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.errors import AccountingError, ConfigError
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits
from distill_platform.strategies.engine.kernel import Codes, Column, Matrix, simulate

CLOSES_TO = 1e-9
_BPS = 1e-4
_DAY = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class Book:
    """A simulated account over T bars of N symbols; money is in the currency of the prices.

    `rows` has the columns of `kernel.Column`, shape (T, 9). `changes` are the lots traded in each bar and `outcomes`
    what became of each order, shape (T, N). `fills` are the prices orders got in each bar, NaN where there is none.
    """

    bars: Bars
    fills: Matrix
    funding: Matrix
    costs: CostProfile
    limits: ExecutionLimits
    rows: Matrix
    changes: Matrix
    outcomes: Codes

    def column(self, column: Column) -> Matrix:
        """Return one column of `rows`, shape (T,)."""
        values: Matrix = self.rows[:, column]
        return values

    def fraction(self, column: Column) -> Matrix:
        """Return one column as fractions of the equity at the bar's start, shape (T,); 0 once nothing is left."""
        start = self.column(Column.START)
        return np.divide(self.column(column), start, out=np.zeros(len(start)), where=start > 0.0)

    @cached_property
    def ret_net(self) -> Matrix:
        """Return what each bar made after all costs, as a fraction of the equity at its start, shape (T,)."""
        costs = self.fraction(Column.FEE) + self.fraction(Column.SLIPPAGE) + self.fraction(Column.FUNDING)
        net: Matrix = self.fraction(Column.GROSS) - costs
        return net

    @cached_property
    def last(self) -> int:
        """Return the last bar on which the account still traded: the one that ruined it, or the last of all."""
        ruined = np.flatnonzero(self.column(Column.END) <= 0.0)
        return int(ruined[0]) if len(ruined) else len(self.rows) - 1

    @property
    def lot(self) -> float:
        """Return how many units one lot of `changes` is."""
        return self.limits.lot_size or 1.0

    @cached_property
    def closure(self) -> float:
        """Return the largest gap between equity carried on by steps and cash plus positions, of what is at stake.

        At stake is the larger of the equity at the bar's start, what is held and what was traded.
        """
        gap = np.abs(self.column(Column.END) - self.column(Column.LEDGER))
        sizes = (self.column(Column.START), self.column(Column.NOTIONAL), self.column(Column.TRADED))
        stake = np.maximum.reduce([np.abs(size) for size in sizes])
        return float((gap / np.where(stake > 0.0, stake, 1.0)).max())


def keep_book(weights: Any, bars: Bars, costs: CostProfile, limits: ExecutionLimits, capital: float) -> Book:
    """Return the book of an account that starts with `capital` and follows `weights`, shape (T, N).

    Row t of `weights` is decided at the close of bar t, as signed fractions of equity, and fills in bar t + 1: at its
    open where the bars have opens, else at its close. NaN is no decision: the position stays. O(T N).

    Raises ConfigError for another shape, infinite weights or capital that is not positive, and AccountingError when
    the two ways of counting equity differ by more than `CLOSES_TO`, as they do once numbers exceed what floats hold.
    """
    weights = _weights(weights, bars)
    if not 0.0 < capital < np.inf:
        raise ConfigError(f"capital must be a positive number, not {capital}")
    fills, funding = fill_prices(bars), _funding(bars, costs)
    rows, changes, outcomes = simulate(
        weights, fills, bars.close, _volumes(bars), funding, float(capital), costs.fee_bps * _BPS,
        costs.slippage_bps * _BPS, float(limits.lot_size), float(limits.min_notional), float(limits.max_notional),
        float(limits.max_participation), float(limits.rebalance_band),
    )  # fmt: skip
    book = Book(bars, fills, funding, costs, limits, rows, changes, outcomes)
    if not book.closure <= CLOSES_TO:
        hint = "Weights or prices are beyond what 64-bit floats can add up; look at their largest values"
        raise AccountingError(f"the account does not close: equity and ledger differ by {book.closure:.3g}", hint=hint)
    return book


def fill_prices(bars: Bars) -> Matrix:
    """Return the price at which orders fill in each bar, shape (T, N): its open, or its close where that is all."""
    if bars.open is None:
        return bars.close
    return np.where(np.isnan(bars.close), np.nan, bars.open)


def _weights(weights: Any, bars: Bars) -> Matrix:
    found = np.ascontiguousarray(weights, np.float64)
    if found.shape != bars.close.shape:
        raise ConfigError(f"target weights have shape {found.shape}, the bars {bars.close.shape}")
    if np.isinf(found).any():
        row, column = np.argwhere(np.isinf(found))[0].tolist()
        raise ConfigError(f"the target weight of {bars.symbols[column]!r} is infinite at row {row}")
    return found


def _volumes(bars: Bars) -> Matrix:
    return np.zeros((0, len(bars.symbols))) if bars.volume is None else bars.volume


def _funding(bars: Bars, costs: CostProfile) -> Matrix:
    """Return the rate from each bar to the next but the first, which has none before it."""
    days: npt.NDArray[np.float64] = np.diff(bars.ts, prepend=bars.ts[0]) / _DAY
    return days * (costs.funding_bps_daily * _BPS)
