"""Settling: rows of several bodies made into one table, where the same row may stand twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.bar_rows import NUMBERS
from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.parsed import BAR_ROWS
from distill_platform.feeds.rejected import Reason, Rejected

_BAR = ("ts_end", "symbol")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Settled:
    """One table with no key twice; `deduplicated` rows said the same as one that is there, `rejected` contradict."""

    rows: pa.Table
    deduplicated: int
    rejected: tuple[Rejected, ...] = ()


def settle_reports(tables: Iterable[pa.Table]) -> Settled:
    """Return RAW_EVENTS with each report once: the one that stands first in the bytes of the lowest hash."""
    table = pa.concat_tables([RAW_EVENTS.empty_table(), *tables])
    order = _in_place(table.append_column("length", pc.utf8_length(table["place"])), ("available_at", "raw_id"))
    first = _first_of(order, ("raw_id",))
    rows = order.filter(pa.array(first)).select(RAW_EVENTS.names).cast(RAW_EVENTS)
    return Settled(rows.combine_chunks(), table.num_rows - rows.num_rows)


def settle_bars(tables: Sequence[tuple[str, pa.Table]]) -> Settled:
    """Return MARKET_BARS of BAR_ROWS, each table with its resource; each bar once.

    Rows that say the same of a bar are one bar. Where two of them differ, nobody knows which is right: all that were
    written of that bar are rejected.
    """
    named = [table.append_column("resource", pa.repeat(pa.scalar(key), table.num_rows)) for key, table in tables]
    empty = BAR_ROWS.empty_table().append_column("resource", pa.array([], pa.string()))
    table = pa.concat_tables([empty, *named])
    order = _in_place(table.append_column("length", pc.utf8_length(table["place"])), _BAR)
    differing = _differing(order)
    first = _first_of(order, _BAR)
    rows = order.filter(pa.array(first & ~differing)).select(MARKET_BARS.names).cast(MARKET_BARS)
    rejected = tuple(_conflict(row) for row in order.filter(pa.array(differing)).to_pylist())
    return Settled(rows.combine_chunks(), table.num_rows - rows.num_rows - len(rejected), rejected)


def _in_place(table: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in (*keys, "raw_sha256", "length", "place")])


def _first_of(table: pa.Table, keys: Sequence[str]) -> Mask:
    """Return which rows of a sorted table differ from the one before them in one of `keys`."""
    first: Mask = np.ones(table.num_rows, np.bool_)
    if table.num_rows > 1:
        columns = [table[key].combine_chunks() for key in keys]
        changed = [pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False) for column in columns]
        first[1:] = np.logical_or.reduce(changed)
    return first


def _differing(table: pa.Table) -> Mask:
    """Return which rows of a table sorted by bar are of a bar of which different things were written."""
    first, other = _first_of(table, _BAR), _first_of(table, (*_BAR, *NUMBERS))
    bar = np.cumsum(first) - 1
    contradicted = np.zeros(table.num_rows, np.bool_)
    contradicted[bar[other & ~first]] = True
    found: Mask = contradicted[bar]
    return found


def _conflict(row: dict[str, Any]) -> Rejected:
    written = json.dumps({name: row[name] for name in MARKET_BARS.names}, default=str)
    detail = f"different bars of {row['symbol']} end at {row['ts_end'].isoformat()}"
    return Rejected(
        Reason.CONFLICTING_BARS, detail, row["resource"], row["raw_sha256"], row["place"], written, row["ts_end"]
    )
