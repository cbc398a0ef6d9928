"""Collecting: market bars and raw reports of a day, as facts of their feeds, with all that could not be taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pyarrow as pa

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import RawDamaged
from distill_platform.feeds.collecting import Collected, collect
from distill_platform.feeds.feed import FeedConfig
from distill_platform.feeds.rejected import rejected_table
from distill_platform.feeds.schemas import GAPS, RESOURCES, TABLES
from distill_platform.feeds.stage import Feeds, publish_day
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables


def collect_days(feeds: Feeds, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of the named datasets, after asking every feed of theirs for what it has.

    A feed that fails, or whose declaration is broken, stops no other: what is missing is said, and never taken for
    nothing.
    """
    wanted = [feed for feed in feeds.configuration.declared.feeds if _dataset_of(feed) in names]
    found: dict[str, list[Collected]] = {day: [] for day in days}
    for done, feed in enumerate(wanted, 1):
        bodies = feeds.bodies(feed)
        with feeds.asking(feed) as fetch:
            for day in days:
                found[day].append(collect(bodies, date.fromisoformat(day), fetch))
        feeds.progress(feed.name, done, len(wanted))
    return [publish_day(feeds, name, day, _tables(feeds, name, found[day])) for name in names for day in days]


def _dataset_of(feed: FeedConfig) -> str:
    return "market_bars" if feed.bar_settings is not None else "raw_events"


def _tables(feeds: Feeds, name: str, collected: Sequence[Collected]) -> MadeTables:
    own = [one for one in collected if bool(_is_of_bars(feeds, one)) == (name == "market_bars")]
    tables: dict[str, Any] = {
        "rejected": pa.concat_tables([rejected_table(one.feed, one.rejected) for one in own] or [_empty(name)]),
        "resources": pa.Table.from_pylist([row for one in own for row in _resources(one)], RESOURCES),
    }
    schema = TABLES[name]
    if name == "market_bars":
        bars = pa.concat_tables([schema["bars"].empty_table(), *(one.bars for one in own)])
        tables["bars"] = bars.sort_by([(name, "ascending") for name in ("ts_end", "symbol", "source")])
        tables["gaps"] = pa.Table.from_pylist([row for one in own for row in _gaps(one)], GAPS)
    else:
        rows = pa.concat_tables([schema["raw_events"].empty_table(), *(one.raw_events for one in own)])
        tables["raw_events"] = rows.sort_by([("available_at", "ascending"), ("raw_id", "ascending")])
    failed = [f"{one.feed}: {state.key}: {state.detail or state.outcome}" for one in own for state in one.failed]
    failed += [str(error) for error in feeds.configuration.declared.broken]
    whole = check("sources_whole", "resources that could not be had, or feeds not asked", len(failed), sample=failed)
    checks = [_provenance(feeds, own), replace(whole, blocking=False)]
    return MadeTables(tables, {one.feed: _input(one) for one in own}, _counts(own), checks)


def _is_of_bars(feeds: Feeds, one: Collected) -> bool:
    return any(feed.name == one.feed and feed.bar_settings for feed in feeds.configuration.declared.feeds)


def _empty(name: str) -> pa.Table:
    return TABLES[name]["rejected"].empty_table()


def _resources(one: Collected) -> Iterator[Mapping[str, Any]]:
    for state in one.resources:
        yield {"source": one.feed, "resource": state.key, "is_failure": state.is_failure, "raw_sha256": state.sha256}


def _gaps(one: Collected) -> Iterator[Mapping[str, Any]]:
    for gap in one.gaps:
        yield {"source": one.feed, **asdict(gap)}


def _input(one: Collected) -> Input:
    """Return how a day remembers a feed: by the bytes that it was read from, whenever they came."""
    digest = sig_hash([[state.key, state.is_failure, list(state.sha256)] for state in one.resources])
    return Input(digest, digest)


def _counts(own: Sequence[Collected]) -> Counts:
    """Return where the rows of the day went; what its bytes hold of other days is counted on those."""
    reasons = Counter(str(row.reason) for one in own for row in one.rejected)
    off_topic = sum(one.counts.off_topic for one in own)
    return Counts(
        rows_in=sum(one.counts.rows_in - one.counts.other_days for one in own),
        rows_out=sum(one.counts.taken for one in own),
        deduplicated=sum(one.counts.deduplicated for one in own),
        skipped={"off_topic": off_topic} if off_topic else {},
        quarantined=dict(reasons),
    )


def _provenance(feeds: Feeds, own: Sequence[Collected]) -> Any:
    """Return the check that the bytes behind every row are kept, and are what their hash says."""
    damaged = []
    for one in own:
        for sha256 in sorted({sha256 for state in one.resources for sha256 in state.sha256}):
            try:
                feeds.raw.read(one.feed, sha256)
            except RawDamaged as error:
                damaged.append(str(error))
    return check("provenance", "stored bytes that are not what their hash says", len(damaged), sample=damaged)
