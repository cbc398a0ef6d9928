"""The benchmark: what the run is compared with, returns per bar."""

from __future__ import annotations

import numpy as np

from distill_platform.core.errors import ConfigError
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.kernel import Matrix


def benchmark_returns(bars: Bars, prices: Matrix | None = None) -> Matrix:
    """Return the benchmark's return in each bar, shape (T,), 0 in the first; costs nothing and is never rebalanced.

    Of `prices`, shape (T,), or else of equal parts of every symbol, each bought at its first price; until then its
    part lies in cash, and a symbol without a price keeps its last one.

    Raises ConfigError for prices of another shape or that are not positive, finite numbers.
    """
    values = _buy_and_hold(bars.close) if prices is None else np.asarray(prices, np.float64)
    if values.shape != (len(bars),) or not ((values > 0.0) & np.isfinite(values)).all():
        raise ConfigError(f"a benchmark must have one positive, finite price for each of the {len(bars)} bars")
    return np.append(0.0, np.diff(values) / values[:-1])


def _buy_and_hold(close: Matrix) -> Matrix:
    """Return the value of one unit of money, shape (T,)."""
    listed = ~np.isnan(close)
    if listed.all():
        whole: Matrix = (close / close[0]).mean(axis=1)
        return whole
    known = np.maximum.accumulate(np.where(listed, np.arange(len(close))[:, None], -1), axis=0)
    columns = np.arange(close.shape[1])
    first = close[listed.argmax(axis=0), columns]
    parts = np.where(known >= 0, close[np.maximum(known, 0), columns] / first, 1.0)
    values: Matrix = parts.mean(axis=1)
    return values
