"""First shown: a report that an earlier version lacked, though it says that it was there by then, is dated back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.moments import nanoseconds
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.raw_store import Snapshot

Versions = Sequence[tuple[Snapshot, Parsed]]


def known_since(read: Versions, delay: timedelta) -> list[tuple[Snapshot, Parsed]]:
    """Return the versions of a feed's resources with each report available no earlier than it could be known.

    `read` are reports (RAW_EVENTS), versions of several resources in any order. A report says when it was published,
    and nobody can check that of the first version of a resource. But one that is missing from an earlier version,
    fetched after that moment, was not there: it is available `delay` after the fetch that first showed it.
    """
    first: dict[str, int] = {}
    for key in dict.fromkeys(snapshot.key for snapshot, _ in read):
        own = sorted((pair for pair in read if pair[0].key == key), key=lambda pair: pair[0].fetched_at)
        for report, moment in _known(own, round(delay.total_seconds() * 1_000_000)).items():
            first[report] = min(moment, first.get(report, moment))
    return [(snapshot, _moved(parsed, first)) for snapshot, parsed in read]


def _known(versions: Versions, delay_us: int) -> dict[str, int]:
    """Return since when each report of one resource could be known, in microseconds since 1970."""
    known: dict[str, int] = {}
    before = None
    for snapshot, parsed in versions:
        fetched = nanoseconds(snapshot.fetched_at) // 1_000
        for report, said, usable in zip(*_columns(parsed.rows), strict=True):
            is_dated_back = before is not None and said <= before
            known.setdefault(report, max(usable, fetched + delay_us) if is_dated_back else usable)
        before = fetched
    return known


def _columns(rows: pa.Table) -> tuple[list[str], list[int], list[int]]:
    published, available = (rows[name].cast(pa.int64()).to_pylist() for name in ("published_at", "available_at"))
    return rows["raw_id"].to_pylist(), published, available


def _moved(parsed: Parsed, first: dict[str, int]) -> Parsed:
    rows = parsed.rows
    place = rows.schema.get_field_index("available_at")
    moments = np.array([first[report] for report in rows["raw_id"].to_pylist()], np.int64)
    if np.array_equal(moments, rows["available_at"].cast(pa.int64()).to_numpy()):
        return parsed
    field = rows.schema.field(place)
    moved = rows.set_column(place, field, pa.array(moments).cast(field.type))
    return replace(parsed, rows=moved.take(pc.sort_indices(moved, _ORDER)))


_ORDER = [("available_at", "ascending"), ("raw_id", "ascending"), ("place", "ascending")]
