"""What the tables of a run must agree with its manifest and among their own rows on.

Whether the numbers add up (trades to steps, steps to days) is not decided here: such a run is taken in, counts as a
trial, and is judged broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.utc import iso
from distill_platform.strategies.bundles.manifest import RunManifest, RunWindow
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import DAILY, FOLDS, ORDERS, STEPS, TRADES, BundleTable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_SORT = "Sort the rows by time and drop those that stand twice"
_WINDOW = "Widen the manifest's window, or leave these rows out"
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def refuse_unsound_tables(manifest: RunManifest, tables: Mapping[str, pa.Table]) -> None:
    """Raise BundleRefused for rows that cannot be: backwards, twice, outside the window, or losing more than all.

    A step may end at any moment of the window, both ends included: a first step at `window.start` is a starting point.
    """
    window = manifest.window
    _refuse_steps(tables["steps"], window)
    if (trades := tables.get("trades")) is not None:
        _refuse_trades(trades, window)
    if (daily := tables.get("daily")) is not None:
        _refuse_daily(daily, window)
    if (orders := tables.get("orders")) is not None:
        _refuse_outside(ORDERS, "ts", _moments(orders, "ts"), window)
        _refuse_events_twice(orders)
    if (folds := tables.get("folds")) is not None:
        _refuse_folds(folds, manifest)


def _refuse_steps(steps: pa.Table, window: RunWindow) -> None:
    if steps.num_rows == 0:
        raise BundleRefused(RefusalReason.STEPS_EMPTY, f"{STEPS.file} has no rows", hint="A run has at least one step")
    ends = _moments(steps, "ts_end")
    late = np.concatenate([[False], ends[1:] <= ends[:-1]])
    _refuse_where(STEPS, RefusalReason.CLOCK_NOT_MONOTONE, late, "ts_end is not later than in the row before", _SORT)
    _refuse_outside(STEPS, "ts_end", ends, window)
    below = steps.column("ret_net").to_numpy() < -1.0
    said, hint = "ret_net is below -1: more than all was lost", "Returns are fractions of equity, 0.01 for one percent"
    _refuse_where(STEPS, RefusalReason.RETURN_BELOW_MINUS_ONE, below, said, hint)


def _refuse_trades(trades: pa.Table, window: RunWindow) -> None:
    opened, closed = _moments(trades, "ts_open"), _moments(trades, "ts_close")
    said = "ts_close is before ts_open"
    _refuse_where(TRADES, RefusalReason.TRADE_REVERSED, closed < opened, said, "Look at which column is which")
    _refuse_outside(TRADES, "ts_open", opened, window)
    _refuse_outside(TRADES, "ts_close", closed, window)
    _refuse_twice(TRADES, trades, "trade_id", RefusalReason.DUPLICATE_TRADE)


def _refuse_daily(daily: pa.Table, window: RunWindow) -> None:
    """A step that ends at midnight belongs to the day before; engines that count it to the next are let through."""
    days = daily.column("day").cast(pa.int32()).to_numpy().astype(np.int64)
    gaps = np.diff(days, prepend=days[:1] - 1)
    _refuse_where(DAILY, RefusalReason.DUPLICATE_DAY, gaps == 0, "day stands twice", "Write one row for each day")
    _refuse_where(DAILY, RefusalReason.CLOCK_NOT_MONOTONE, gaps < 0, "day is before that of the row before", _SORT)
    outside = (days < (_microseconds(window.start) - 1) // _DAY) | (days > _microseconds(window.end) // _DAY)
    _refuse_where(DAILY, RefusalReason.OUTSIDE_WINDOW, outside, f"day is outside {_said(window)}", _WINDOW)


def _refuse_folds(folds: pa.Table, manifest: RunManifest) -> None:
    start, end = _moments(folds, "start"), _moments(folds, "end")
    said = "end is not later than start"
    _refuse_where(FOLDS, RefusalReason.FOLD_REVERSED, end <= start, said, "Look at which column is which")
    late = end > _microseconds(manifest.as_of)
    said = f"end is after as_of {iso(manifest.as_of)}"
    _refuse_where(FOLDS, RefusalReason.OUTSIDE_WINDOW, late, said, "A fold cannot cover what the run has not seen")
    splits = pc.dictionary_encode(folds.column("split")).combine_chunks().indices.to_numpy(zero_copy_only=False)
    numbered = np.column_stack([folds.column("fold").to_numpy(), splits])
    _, first, counts = np.unique(numbered, axis=0, return_index=True, return_counts=True)
    twice = np.zeros(folds.num_rows, dtype=bool)
    twice[first[counts > 1]] = True
    said = "this fold has this split twice"
    _refuse_where(FOLDS, RefusalReason.DUPLICATE_FOLD, twice, said, "Number the folds")


def _refuse_outside(table: BundleTable, name: str, moments: Integers, window: RunWindow) -> None:
    outside = (moments < _microseconds(window.start)) | (moments > _microseconds(window.end))
    _refuse_where(table, RefusalReason.OUTSIDE_WINDOW, outside, f"{name} is outside {_said(window)}", _WINDOW)


def _refuse_twice(table: BundleTable, rows: pa.Table, name: str, reason: RefusalReason) -> None:
    counts = pc.value_counts(rows.column(name))
    if len(counts) != rows.num_rows:
        twice = counts.field("values")[int(np.argmax(counts.field("counts").to_numpy()))].as_py()
        message = f"{table.file}: {name} {shown(twice)} stands twice"
        raise BundleRefused(reason, message, hint=f"Give every row a {name} of its own")


def _refuse_events_twice(orders: pa.Table) -> None:
    """An order may be filled in parts and stand once for each; the same of it at the same moment is said once."""
    counts = orders.group_by(["order_id", "ts", "status"]).aggregate([([], "count_all")])
    if counts.num_rows != orders.num_rows:
        twice = counts.column("order_id")[int(np.argmax(counts.column("count_all").to_numpy()))].as_py()
        message = f"{ORDERS.file}: order_id {shown(twice)} stands twice with one moment and status"
        raise BundleRefused(RefusalReason.DUPLICATE_ORDER, message, hint="Write one row for each event of an order")


def _refuse_where(table: BundleTable, reason: RefusalReason, bad: Mask, said: str, hint: str) -> None:
    if bad.any():
        more = f" ({int(bad.sum()):,} such rows)" if bad.sum() > 1 else ""
        raise BundleRefused(reason, f"{table.file}: row {int(np.argmax(bad))}: {said}{more}", hint=hint)


def _said(window: RunWindow) -> str:
    return f"the window {iso(window.start)} to {iso(window.end)}"


def _moments(table: pa.Table, name: str) -> Integers:
    moments: Integers = table.column(name).cast(pa.int64()).to_numpy()
    return moments


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
