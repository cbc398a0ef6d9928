"""Event window: the events that became available within a span of time, and no others."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.market_bars import MOMENT

_NS_PER_US = 1_000


def events_until(events: pa.Table, until_ns: int, after_ns: int = -1) -> pa.Table:
    """Return the rows of an EVENTS table with after_ns < available_at <= until_ns, nanoseconds since 1970 UTC."""
    when = events["available_at"]
    return events.filter(pc.and_(pc.greater(when, _moment(after_ns)), pc.less_equal(when, _moment(until_ns))))


def became_available_after(events: pa.Table, ns: int) -> pa.ChunkedArray:
    """Return which rows of an EVENTS table became available after a moment."""
    return pc.greater(events["available_at"], _moment(ns))


def _moment(ns: int) -> pa.Scalar:
    return pa.scalar(ns // _NS_PER_US, pa.int64()).cast(MOMENT)
