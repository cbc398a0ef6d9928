"""Paper: what a model's weights made of each day at the costs that its world seals, whatever share it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats, Integers
from distill_platform.models.rollout.execution import Execution, ExecutionBounds, execution_of
from distill_platform.models.rollout.settings import ExecutionSettings
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.engine.backtest import backtest
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits

_NS_PER_US = 1_000
_NS_PER_DAY = 86_400 * 10**9


@dataclass(frozen=True)
class PaperDay:
    """What one UTC day came to: the net return as a share of equity, and how its orders were executed."""

    ret_net: float
    execution: Execution


def weight_panel(predictions: pa.Table, bars: Bars) -> Floats:
    """Return the weights of one model's rows of PREDICTIONS by bar and symbol of `bars`, shape (T, N), 0 without one.

    Rows of moments at which there is no bar are left out: nobody could trade on them. Raises ModelError for rows of
    symbols that are not among the bars', and for two of one symbol and moment.
    """
    ts = np.array(predictions["ts"].cast(pa.int64())) * _NS_PER_US
    columns = {symbol: place for place, symbol in enumerate(bars.symbols)}
    names = predictions["symbol"].to_pylist()
    if strangers := set(names) - columns.keys():
        raise ModelError(f"weights are of {min(strangers)!r}, which is not among the bars' symbols")
    symbol = np.array([columns[name] for name in names], dtype=np.int64)
    if len(np.unique(np.stack([ts, symbol]), axis=1).T) < len(ts):
        raise ModelError("a model has two weights of one symbol and moment")
    rows = np.minimum(np.searchsorted(bars.ts, ts), len(bars) - 1)
    kept = bars.ts[rows] == ts
    panel = np.zeros((len(bars), len(bars.symbols)))
    panel[rows[kept], symbol[kept]] = predictions["weight"].to_numpy()[kept]
    return panel


def paper_days(weights: Floats, bars: Bars, costs: CostProfile, rebalance_band: float) -> Mapping[int, PaperDay]:
    """Return what each day with bars came to, by the number of days since 1970, from cash before the first bar.

    `weights` has shape (T, N). A bar that ends at midnight belongs to the day before. Errors: `backtest`.
    """
    result = backtest(weights, bars, costs, ExecutionLimits(rebalance_band=rebalance_band))
    ordered = _day_of(np.array(result.orders["ts"].cast(pa.int64())) * _NS_PER_US)
    stepped = _day_of(bars.ts)
    found = {}
    for day, ret_net in zip(np.unique(stepped).tolist(), result.daily["ret_net"].to_pylist(), strict=True):
        orders, steps = (
            table.filter(pa.array(of == day)) for table, of in ((result.orders, ordered), (result.steps, stepped))
        )
        found[day] = PaperDay(ret_net, execution_of(orders, steps))
    return found


def beside_sealed(bounds: ExecutionBounds, costs: CostProfile, settings: ExecutionSettings) -> ExecutionBounds:
    """Return the bounds, none below what the world seals: slippage that was paid for by contract is no anomaly."""
    return replace(bounds, slippage_bps=max(bounds.slippage_bps, costs.slippage_bps + settings.min_slippage_bps))


def _day_of(ts: Integers) -> Integers:
    return (ts - 1) // _NS_PER_DAY
