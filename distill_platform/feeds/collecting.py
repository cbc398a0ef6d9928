"""Collecting a day of a feed: ask for its resources, keep their bytes, and read all that is kept into rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Protocol

import pyarrow as pa

from distill_platform.core.errors import BreakerOpen, ConfigError, FeedError
from distill_platform.core.utc import EARLIEST
from distill_platform.feeds.bodies import Bodies
from distill_platform.feeds.connectors.connector import Wanted
from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.feed import BarSettings
from distill_platform.feeds.first_shown import known_since
from distill_platform.feeds.gaps import Gap, find_gaps, stale_bars
from distill_platform.feeds.http.fetching import FetchOutcome
from distill_platform.feeds.lags import lags_s
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.moments import nanoseconds
from distill_platform.feeds.numbers import Floats
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.raw_store import Snapshot
from distill_platform.feeds.rejected import Rejected
from distill_platform.feeds.settling import Settled, settle_bars, settle_reports

_DAY = timedelta(days=1)


class Answered(Protocol):
    """What asking for a resource gives, whoever is asked."""

    @property
    def outcome(self) -> FetchOutcome:
        """Return what the answer was."""


Fetch = Callable[[Any], Answered]


class ResourceOutcome(StrEnum):
    """What became of one resource of a day."""

    NEW = "new"
    UNCHANGED = "unchanged"
    EMPTY = "empty"  # the source answered, with nothing
    KEPT = "kept"  # not asked for; its bytes are there
    MISSING = "missing"  # not asked for; there are no bytes of it
    FAILED = "failed"  # asked for, and not got
    HELD_BACK = "held_back"  # not asked for, because the feed's breaker is open
    UNREADABLE = "unreadable"  # got, and of no use


_FAILURES = (ResourceOutcome.MISSING, ResourceOutcome.FAILED, ResourceOutcome.HELD_BACK, ResourceOutcome.UNREADABLE)


@dataclass(frozen=True)
class ResourceState:
    """One resource of a day: what became of it, why if it failed, and the hashes of its kept versions.

    `replaced` says that it failed and that other resources were asked instead, and gave all that they have.
    """

    key: str
    outcome: ResourceOutcome
    detail: str = ""
    sha256: tuple[str, ...] = ()
    replaced: bool = False

    @property
    def is_failure(self) -> bool:
        """Return whether rows may be missing on its account; an empty answer is none."""
        return self.outcome in _FAILURES and not self.replaced


@dataclass(frozen=True)
class Counts:
    """rows_in = taken + deduplicated + rejected + other_days + off_topic."""

    rows_in: int
    taken: int
    deduplicated: int
    rejected: int
    other_days: int
    off_topic: int


@dataclass(frozen=True, eq=False)
class Collected:
    """A day of a feed: MARKET_BARS or RAW_EVENTS (the other table is empty), and all that is not in them.

    `stale` bars are among the bars: nothing was traded in them. `lags_s` are the seconds from publication to the first
    fetch, one for each record.
    """

    feed: str
    day: date
    bars: pa.Table
    raw_events: pa.Table
    rejected: tuple[Rejected, ...]
    gaps: tuple[Gap, ...]
    stale: int
    resources: tuple[ResourceState, ...]
    counts: Counts
    lags_s: Floats

    @property
    def failed(self) -> tuple[ResourceState, ...]:
        """Return the resources on whose account rows may be missing; none of them means that the day is whole."""
        return tuple(state for state in self.resources if state.is_failure)


def collect(bodies: Bodies, day: date, fetch: Fetch, as_of: datetime | None = None) -> Collected:
    """Return the rows of a UTC day after asking for its resources; one that fails stops no other.

    Rows are read from the kept bytes, old and new, so they do not depend on the order of asking: `read_stored` gives
    the same. A bar is of the day that it covers, a report of the day on which it becomes available. Bars that end
    after `as_of` are no gap yet; without it, the day is over.
    """
    return _collected(bodies, day, as_of, lambda wanted: _asked(bodies, wanted, fetch))


def read_stored(bodies: Bodies, day: date, as_of: datetime | None = None) -> Collected:
    """Return the rows of a UTC day out of the bytes that are kept, without asking anybody; the rest as `collect`."""
    return _collected(bodies, day, as_of, lambda wanted: ResourceState(wanted.key, ResourceOutcome.MISSING))


def _asked(bodies: Bodies, wanted: Wanted, fetch: Fetch) -> ResourceState:
    try:
        outcome = fetch(bodies.connector.signed(wanted)).outcome
    except BreakerOpen as error:
        return ResourceState(wanted.key, ResourceOutcome.HELD_BACK, str(error))
    except (FeedError, ConfigError) as error:
        return ResourceState(wanted.key, ResourceOutcome.FAILED, str(error))
    return ResourceState(wanted.key, ResourceOutcome(outcome))


@dataclass(frozen=True)
class _Kept:
    """One resource with the rows of its versions that could be read."""

    state: ResourceState
    read: tuple[tuple[Snapshot, Parsed], ...]


def _collected(bodies: Bodies, day: date, as_of: datetime | None, ask: Callable[[Wanted], ResourceState]) -> Collected:
    own = [_kept(bodies, ask(wanted)) for wanted in bodies.connector.resources(day)]
    missing = [kept.state.key for kept in own if not kept.read]
    gaps = bodies.connector.gap_resources(day, missing)
    instead = {key: _kept(bodies, ask(wanted)) for key, wanted in gaps.items()}
    own = [_replaced(kept, instead.get(kept.state.key)) for kept in own]
    return _made(bodies, day, as_of, [*own, *instead.values()])


def _kept(bodies: Bodies, state: ResourceState) -> _Kept:
    versions = bodies.versions(state.key)
    read = [bodies.rows(version) for version in versions]
    hashes = tuple(version.sha256 for version in versions)
    usable = tuple((version, one) for version, one in zip(versions, read, strict=True) if isinstance(one, Parsed))
    return _Kept(_after_reading(replace(state, sha256=hashes), read), usable)


def _after_reading(state: ResourceState, read: Sequence[Parsed | FeedError]) -> ResourceState:
    """Return the state of a resource once its bytes were looked at: fetching them well is not yet having them."""
    if not read or state.outcome in (ResourceOutcome.FAILED, ResourceOutcome.HELD_BACK):
        return state
    newest = read[-1]
    if isinstance(newest, FeedError):
        return replace(state, outcome=ResourceOutcome.UNREADABLE, detail=str(newest))
    return replace(state, outcome=ResourceOutcome.KEPT) if state.outcome is ResourceOutcome.MISSING else state


def _replaced(kept: _Kept, instead: _Kept | None) -> _Kept:
    whole = instead is not None and bool(instead.read) and not any(parsed.is_cut for _, parsed in instead.read)
    return replace(kept, state=replace(kept.state, replaced=whole))


def _made(bodies: Bodies, day: date, as_of: datetime | None, kept: Sequence[_Kept]) -> Collected:
    feed = bodies.connector.feed
    read = [pair for one in kept for pair in one.read]
    if bodies.connector.lists_latest:
        read = known_since(read, feed.delay)
    span = _span(day, feed.bar_settings)
    own = [(version, parsed.within(*span)) for version, parsed in read]
    settled = _settled(own, feed.bar_settings)
    rejected = (*(row for _, parsed in own for row in parsed.rejected), *settled.rejected)
    return Collected(
        feed=feed.name,
        day=day,
        bars=settled.rows if feed.bar_settings else MARKET_BARS.empty_table(),
        raw_events=RAW_EVENTS.empty_table() if feed.bar_settings else settled.rows,
        rejected=tuple(sorted(rejected, key=lambda row: row.order)),
        gaps=_gaps(settled.rows, feed.bar_settings, day, as_of),
        stale=int(stale_bars(settled.rows).sum()) if feed.bar_settings else 0,
        resources=tuple(one.state for one in kept),
        counts=_counts([parsed for _, parsed in read], [parsed for _, parsed in own], settled, len(rejected)),
        lags_s=lags_s([(version.fetched_at, parsed.rows) for version, parsed in own]),
    )


def _span(day: date, bars: BarSettings | None) -> tuple[int, int]:
    """Return the day in nanoseconds: [00:00, 24:00) for reports, and (00:00, 24:00] for the ends of bars."""
    start, after = nanoseconds(_midnight(day)), 1 if bars else 0
    return start + after, start + nanoseconds(EARLIEST + _DAY) + after


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _settled(own: Sequence[tuple[Snapshot, Parsed]], bars: BarSettings | None) -> Settled:
    if bars:
        return settle_bars([(version.key, parsed.rows) for version, parsed in own])
    return settle_reports(parsed.rows for _, parsed in own)


def _gaps(rows: pa.Table, bars: BarSettings | None, day: date, as_of: datetime | None) -> tuple[Gap, ...]:
    if bars is None:
        return ()
    start, end = _midnight(day), _midnight(day) + _DAY
    return find_gaps(rows, sorted(bars.symbols), (start, min(end, as_of or end)), bars.length, bars.outage_bars)


def _counts(read: Sequence[Parsed], own: Sequence[Parsed], settled: Settled, rejected: int) -> Counts:
    rows_in, off_topic = sum(one.rows_in for one in read), sum(one.off_topic for one in read)
    of_the_day = sum(one.rows_in for one in own)
    return Counts(
        rows_in=rows_in,
        taken=settled.rows.num_rows,
        deduplicated=settled.deduplicated,
        rejected=rejected,
        other_days=rows_in - off_topic - of_the_day,
        off_topic=off_topic,
    )
