"""The tables of a bundle: which there are, their columns, and what the numbers mean.

Returns and costs are fractions of the equity at the start of the step; costs are positive; `ret_net` is `ret_gross`
less fee, slippage and funding. A trade's `pnl` is the sum of what it made in each step, after all costs, each as a
fraction of the equity at that step's start: so the trades of a run sum to its steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")
_NUMBER = pa.float64()


@dataclass(frozen=True)
class BundleTable:
    """One file of a bundle: the columns it must have, and those it may have."""

    file: str
    columns: pa.Schema
    optional: frozenset[str] = frozenset()
    required: bool = False


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


STEPS = BundleTable(
    "steps.parquet",
    _schema(
        ts_end=_TIME, ret_gross=_NUMBER, fee=_NUMBER, slippage=_NUMBER, funding=_NUMBER, ret_net=_NUMBER,
        exposure=_NUMBER, turnover=_NUMBER, adv_utilization=_NUMBER, participation=_NUMBER, benchmark_ret=_NUMBER,
    ),
    frozenset({"adv_utilization", "participation", "benchmark_ret"}),
    required=True,
)  # fmt: skip
TRADES = BundleTable(
    "trades.parquet",
    _schema(
        trade_id=pa.string(), ts_open=_TIME, ts_close=_TIME, symbol=pa.string(), side=pa.string(), qty=_NUMBER,
        price_open=_NUMBER, price_close=_NUMBER, fee=_NUMBER, slippage=_NUMBER, pnl=_NUMBER,
    ),
)  # fmt: skip
DAILY = BundleTable("daily.parquet", _schema(day=pa.date32(), ret_net=_NUMBER, fee=_NUMBER, n_trades=pa.int64()))
ORDERS = BundleTable(
    "orders.parquet",
    _schema(ts=_TIME, order_id=pa.string(), symbol=pa.string(), status=pa.string(), reject_reason=pa.string()),
)
FOLDS = BundleTable(
    "folds.parquet",
    _schema(fold=pa.int64(), split=pa.string(), start=_TIME, end=_TIME, pnl_is=_NUMBER, pnl_oos=_NUMBER),
)
TABLES: dict[str, BundleTable] = {
    "steps": STEPS, "trades": TRADES, "daily": DAILY, "orders": ORDERS, "folds": FOLDS,
}  # fmt: skip
MANIFEST = "run_manifest.json"
COMPLETE = "COMPLETE"
