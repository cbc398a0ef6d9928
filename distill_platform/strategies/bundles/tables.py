"""The tables of a bundle: which there are, their columns, and what the numbers mean.

Returns and costs are fractions of the equity at the start of the step; costs are positive; `ret_net` is `ret_gross`
less fee, slippage and funding. A trade's `pnl` is the sum of what it made in each step, after all costs, each as a
fraction of the equity at that step's start: so the trades of a run sum to its steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")
_NUMBER = pa.float64()


class Side(StrEnum):
    """Which way a trade was."""

    LONG = "long"
    SHORT = "short"
    BUY = "buy"
    SELL = "sell"


class OrderStatus(StrEnum):
    """What became of an order."""

    FILLED = "filled"
    PARTIAL = "partial"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class FoldSplit(StrEnum):
    """What a fold's days were for."""

    SEARCH = "search"
    VALIDATION = "validation"
    FORWARD_OOS = "forward_oos"


@dataclass(frozen=True)
class BundleTable:
    """One file of a bundle: the columns it must have, those it may have, and what may stand in them.

    `words` are the values a text column may hold, in `any_case` for some; `nullable` columns may have gaps; in
    `non_negative` ones nothing is below zero, in `positive` ones nothing is zero either. `named` columns hold texts, or
    whole numbers that are names; `numbered` ones whole numbers, or texts, numbered in the order in which they stand.
    """

    file: str
    columns: pa.Schema
    optional: frozenset[str] = frozenset()
    required: bool = False
    words: Mapping[str, type[StrEnum]] = field(default_factory=dict)
    any_case: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()
    non_negative: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()


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
    non_negative=frozenset({"fee", "slippage", "turnover", "adv_utilization", "participation"}),
)  # fmt: skip
TRADES = BundleTable(
    "trades.parquet",
    _schema(
        trade_id=pa.string(), ts_open=_TIME, ts_close=_TIME, symbol=pa.string(), side=pa.string(), qty=_NUMBER,
        price_open=_NUMBER, price_close=_NUMBER, fee=_NUMBER, slippage=_NUMBER, pnl=_NUMBER,
    ),
    words={"side": Side},
    any_case=frozenset({"side"}),
    non_negative=frozenset({"fee", "slippage"}),
    positive=frozenset({"qty", "price_open", "price_close"}),
    named=frozenset({"trade_id"}),
)  # fmt: skip
DAILY = BundleTable(
    "daily.parquet",
    _schema(day=pa.date32(), ret_net=_NUMBER, fee=_NUMBER, n_trades=pa.int64()),
    non_negative=frozenset({"fee", "n_trades"}),
)
ORDERS = BundleTable(
    "orders.parquet",
    _schema(ts=_TIME, order_id=pa.string(), symbol=pa.string(), status=pa.string(), reject_reason=pa.string()),
    words={"status": OrderStatus},
    nullable=frozenset({"reject_reason"}),
    named=frozenset({"order_id"}),
)
FOLDS = BundleTable(
    "folds.parquet",
    _schema(fold=pa.int64(), split=pa.string(), start=_TIME, end=_TIME, pnl_is=_NUMBER, pnl_oos=_NUMBER),
    words={"split": FoldSplit},
    nullable=frozenset({"pnl_is", "pnl_oos"}),
    numbered=frozenset({"fold"}),
)
TABLES: dict[str, BundleTable] = {
    "steps": STEPS, "trades": TRADES, "daily": DAILY, "orders": ORDERS, "folds": FOLDS,
}  # fmt: skip
MANIFEST = "run_manifest.json"
COMPLETE = "COMPLETE"
