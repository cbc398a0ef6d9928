"""Bundles for tests of metrics: drawn sound ones, and ones made of given returns whose tables agree."""

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.core.utc import iso
from distill_platform.evaluation.metrics import EvaluationTerms, RunMetrics, Scenario, run_metrics
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.bundles.tables import DAILY, ORDERS, STEPS, TRADES
from distill_platform.testing.bundles import START, sample_bundle, sample_manifest

GRID = (
    Scenario("slippage_bps_2", slippage_bps=2.0),
    Scenario("fees_x2", fee_multiplier=2.0),
    Scenario("spread_x3", slippage_multiplier=3.0),
    Scenario("funding_x2", funding_multiplier=2.0),
    Scenario("worst_regime", worst_regime=True),
)
TERMS = EvaluationTerms(fee_bps=1.0, slippage_bps=1.0, funding_bps_daily=0.0, stress_grid=GRID)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sound(seed: int = 1, days: int = 400, steps_per_day: int = 1, sharpe: float = 1.0, **changes: Any) -> Bundle:
    """Return a drawn run all of whose tables agree, sealed as the truth about itself."""
    manifest, tables = sample_bundle(seed, days, steps_per_day, sharpe, **changes)
    sealed = manifest.model_copy(update={"repro_hash": repro_hash(manifest)})
    optional = {name: tables.get(name) for name in ("trades", "daily", "orders", "folds")}
    return Bundle(sealed, tables["steps"], sha256="0" * 64, **optional)


def made(
    net: Any, every: timedelta = DAY, *, start: datetime = START, cost: float = 0.0, turnover: Any = 1.0,
    exposure: Any = 1.0, gross: Any = None, benchmark: Any = None, ends: Any = None, funding: Any = 0.0,
) -> Bundle:  # fmt: skip
    """Return a run with these net returns, a step `every` so often, one trade, and no orders and folds.

    `cost` is fee and as much slippage in each step.
    """
    net = np.asarray(net, dtype=np.float64)
    columns = {name: np.full(net.shape, cost) for name in ("fee", "slippage")}
    funding = np.broadcast_to(np.asarray(funding, np.float64), net.shape)
    moments = ends if ends is not None else [start + (number + 1) * every for number in range(len(net))]
    columns |= {
        "ret_net": net,
        "ret_gross": net + 2.0 * cost + funding if gross is None else np.asarray(gross, np.float64),
        "funding": funding,
        "exposure": np.broadcast_to(np.asarray(exposure, np.float64), net.shape),
        "turnover": np.broadcast_to(np.asarray(turnover, np.float64), net.shape),
    }
    if benchmark is not None:
        columns["benchmark_ret"] = np.asarray(benchmark, np.float64)
    names = [name for name in STEPS.columns.names if name in columns]
    steps = pa.table(
        {"ts_end": pa.array(moments, STEPS.columns.field("ts_end").type), **{name: columns[name] for name in names}}
    )
    last = moments[-1] if moments else start
    manifest = sample_manifest(window={"start": iso(start), "end": iso(last)}, as_of=iso(last))
    sealed = manifest.model_copy(update={"repro_hash": repro_hash(manifest)})
    trades = _trades(start, last, float(net.sum()))
    return Bundle(sealed, steps, trades, days_of(steps), None, None, "0" * 64)


def days_of(steps: pa.Table, *, compound: bool = True) -> pa.Table:
    """Return the daily accounting of steps, counted the slow way."""
    made: dict[Any, list[tuple[float, float]]] = {}
    for end, net, fee in zip(*(steps.column(name).to_pylist() for name in ("ts_end", "ret_net", "fee")), strict=True):
        made.setdefault((end - timedelta(microseconds=1)).date(), []).append((net, fee))
    rows = []
    for day, parts in made.items():
        total = math.prod(1.0 + net for net, _ in parts) - 1.0 if compound else sum(net for net, _ in parts)
        rows.append({"day": day, "ret_net": total, "fee": sum(fee for _, fee in parts), "n_trades": 0})
    return pa.Table.from_pylist(rows, schema=DAILY.columns)


def orders(*states: str) -> pa.Table:
    """Return orders that ended in these states."""
    rows = [
        {"ts": START + (number + 1) * HOUR, "order_id": f"o{number}", "symbol": "SPY", "status": state}
        for number, state in enumerate(states)
    ]
    return pa.Table.from_pylist(rows, schema=ORDERS.columns)


def changed(table: pa.Table, name: str, values: Any) -> pa.Table:
    """Return a table with other values in one column."""
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))


def values(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """Return a copy of a numeric column."""
    return np.array(table.column(name).to_numpy(), np.float64)


def measure(bundle: Bundle, terms: EvaluationTerms = TERMS) -> RunMetrics:
    """Return the metrics of a run under the terms of these tests."""
    return run_metrics(bundle, terms)


def _trades(start: datetime, end: datetime, pnl: float) -> pa.Table:
    row = {
        "trade_id": "t1", "ts_open": start, "ts_close": end, "symbol": "SPY", "side": "long", "qty": 1.0,
        "price_open": 100.0, "price_close": 100.0, "fee": 0.0, "slippage": 0.0, "pnl": pnl,
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=TRADES.columns)
