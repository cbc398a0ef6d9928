"""Events: what a day's reports, and those of the days before, come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.events.pipeline import EventDay, make_events
from distill_platform.feeds.events.settings import WINDOW_DAYS
from distill_platform.feeds.stage import Feeds, publish_day
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, open_partition, open_where_published


def make_event_days(feeds: Feeds, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `events`; a day before that was never collected is remembered as absent."""
    manifests = []
    told = feeds.configuration
    for done, day in enumerate(days, 1):
        raw, inputs = _reports(feeds, day)
        found = make_events(raw, date.fromisoformat(day), told.rules.settings, told.gazetteer, told.text_model)
        manifests.append(publish_day(feeds, "events", day, _tables(found, raw, inputs)))
        feeds.progress("events", done, len(days))
    return manifests


def _reports(feeds: Feeds, day: str) -> tuple[pa.Table, dict[str, Input]]:
    opened, inputs = open_partition(feeds.lake, "raw_events", day)
    tables = [opened.read("raw_events")]
    for back in range(1, WINDOW_DAYS + 1):
        before = (date.fromisoformat(day) - timedelta(days=back)).isoformat()
        earlier, remembered = open_where_published(feeds.lake, "raw_events", before)
        inputs |= remembered
        tables.append(earlier.read("raw_events") if earlier is not None else None)
    return pa.concat_tables([RAW_EVENTS.empty_table(), *(table for table in tables if table is not None)]), inputs


def _tables(found: EventDay, raw: pa.Table, inputs: dict[str, Input]) -> MadeTables:
    told = found.counts
    tables = {
        "events": found.events,
        "links": found.links,
        "clusters": found.clusters,
        "rejected": found.rejected,
        "readings": found.readings,
    }
    counts = Counts(told.raw, told.reports, told.repeated_rows, quarantined=dict(told.rejected))
    return MadeTables(tables, inputs, counts, _checks(found, raw))


def _checks(found: EventDay, raw: pa.Table) -> list[Check]:
    known = set(raw["raw_id"].to_pylist())
    strangers = sorted(set(found.events["event_id"].to_pylist()) - known)
    early = [
        row["event_id"]
        for row in found.events.select(["event_id", "published_at", "available_at"]).to_pylist()
        if row["available_at"] < row["published_at"]
    ]
    return [
        check("provenance", "events of reports that nobody collected", len(strangers), sample=strangers),
        check("causal", "events that are available before they were published", len(early), sample=early),
    ]
