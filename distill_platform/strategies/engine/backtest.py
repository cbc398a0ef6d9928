"""A backtest: target weights and bars through the engine, into the tables of a run bundle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from distill_platform.stats import sharpe_daily_annualized
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.benchmark import benchmark_returns
from distill_platform.strategies.engine.book import Book, keep_book
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits
from distill_platform.strategies.engine.daily import daily_table
from distill_platform.strategies.engine.folds import folds_table
from distill_platform.strategies.engine.kernel import Matrix
from distill_platform.strategies.engine.orders import orders_table
from distill_platform.strategies.engine.round_trips import Field
from distill_platform.strategies.engine.steps import steps_table
from distill_platform.strategies.engine.trades import find_trades, trades_table

CAPITAL = 1_000_000.0


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """A book and the tables it came to; `folds` is None for a run too short to be cut."""

    book: Book
    steps: pa.Table
    trades: pa.Table
    daily: pa.Table
    orders: pa.Table
    folds: pa.Table | None

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables of the run's bundle by name."""
        found = {"steps": self.steps, "trades": self.trades, "daily": self.daily, "orders": self.orders}
        return found if self.folds is None else {**found, "folds": self.folds}

    def sharpe(self, column: str) -> float:
        """Return the annual Sharpe ratio of `ret_net` or `ret_gross` over UTC days; NaN where it means nothing."""
        returns = self.steps[column].to_numpy()
        if returns.min() < -1.0:
            return math.nan
        return sharpe_daily_annualized(self.book.bars.ts.astype("datetime64[ns]"), returns)


def backtest(
    weights: Any,
    bars: Bars,
    costs: CostProfile,
    limits: ExecutionLimits,
    *,
    capital: float = CAPITAL,
    benchmark: Matrix | None = None,
) -> BacktestResult:
    """Return what following `weights`, shape (T, N), on these bars would have come to.

    Decisions of bar t fill in bar t + 1, so no order knows the price it gets. `benchmark` are the benchmark's prices,
    shape (T,); without them it is the equal-weighted buy-and-hold of the bars' own symbols. Same input, same bits.
    Errors: `keep_book`, and ConfigError for benchmark prices that are not positive numbers.
    """
    book = keep_book(weights, bars, costs, limits, capital)
    found = find_trades(book)
    return BacktestResult(
        book,
        steps_table(book, benchmark_returns(bars, benchmark)),
        trades_table(book, found),
        daily_table(book, found[:, Field.CLOSED].astype(int)),
        orders_table(book),
        folds_table(book),
    )
