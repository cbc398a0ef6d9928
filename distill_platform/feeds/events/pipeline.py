"""The event pipeline: raw reports of a day and of the days before it become the events of that day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core import canon
from distill_platform.feeds.events.clustering import repetitions
from distill_platform.feeds.events.event import MARKET, RAW_EVENTS
from distill_platform.feeds.events.gazetteer import Gazetteer
from distill_platform.feeds.events.linking import Link, LinkMethod, link, link_entities, links_or_market
from distill_platform.feeds.events.normalizing import Rejected, Report, normalize, refuse_other_tables
from distill_platform.feeds.events.polarity import packaged_lexicon
from distill_platform.feeds.events.settings import WINDOW_DAYS, EventSettings
from distill_platform.feeds.events.story import Story, clusters_table, events_table, links_table
from distill_platform.feeds.events.text_model import Readings, TextModel, read_titles

PIPELINE_VERSION = "1"

REJECTED = pa.schema(
    [*RAW_EVENTS, pa.field("reason", pa.string(), nullable=False), pa.field("detail", pa.string(), nullable=False)]
)
READINGS = pa.schema(
    [
        pa.field("title", pa.string(), nullable=False),
        pa.field("kind", pa.string()),  # this and the next three are null where the answer was dropped
        pa.field("polarity", pa.float64()),
        pa.field("summary", pa.string()),
        pa.field("entities", pa.list_(pa.string())),
        pa.field("reason", pa.string()),  # why the answer was dropped
    ]
)


@dataclass(frozen=True)
class EventCounts:
    """What became of a day's raw rows: raw = reports + rejected + repeated_rows."""

    raw: int
    reports: int
    rejected: Mapping[str, int]  # by reason
    repeated_rows: int  # with an id that was there already
    events: int  # reports times the symbols that each is about
    leading: int  # reports that repeat no other
    about_market: int  # reports that name no symbol
    synthetic_links: int
    low_quality: int  # events
    rejected_readings: int


@dataclass(frozen=True, eq=False)
class EventDay:
    """The events of one day with the evidence for them, as tables of EVENTS, LINKS, CLUSTERS, REJECTED and READINGS."""

    events: pa.Table = field(repr=False)
    links: pa.Table = field(repr=False)
    clusters: pa.Table = field(repr=False)
    rejected: pa.Table = field(repr=False)
    readings: pa.Table = field(repr=False)
    counts: EventCounts


def rules_hash(settings: EventSettings, gazetteer: Gazetteer, text_model: TextModel | None = None) -> str:
    """Return the hash of all that events depend on but the reports: settings, gazetteer, lexicon, model and version."""
    model = text_model.version if text_model is not None else None
    parts = [settings.model_dump(mode="json"), gazetteer.digest, packaged_lexicon().digest, model, PIPELINE_VERSION]
    return canon.sig_hash(parts)


def make_events(
    raw: pa.Table, day: date, settings: EventSettings, gazetteer: Gazetteer, text_model: TextModel | None = None
) -> EventDay:
    """Return the events that became available on a UTC day.

    `raw` holds RAW_EVENTS of that day and of the WINDOW_DAYS days before it, in any order; rows of other days are not
    looked at, so what came later, or long before, changes nothing.

    Raises ValueError for a table of another schema, and for missing values in it.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    window = _between(raw, start - timedelta(days=WINDOW_DAYS), end)
    start_us = round(start.timestamp()) * 1_000_000
    normalized = normalize(window, settings)
    today = sum(report.available_us < start_us for report in normalized.reports)
    readings = _readings(normalized.reports[today:], text_model)
    stories = _stories(normalized.reports, today, settings, gazetteer, readings)
    rejected = [each for each in normalized.rejected if each.available_us >= start_us]
    repeated_rows = sum(moment >= start_us for moment in normalized.repeated)
    events = events_table(stories, packaged_lexicon(), settings.quality)
    return EventDay(
        events=events,
        links=links_table(stories),
        clusters=clusters_table(stories),
        rejected=_rejected_table(window, rejected),
        readings=_readings_table(readings),
        counts=_counts(_between(window, start, end).num_rows, stories, rejected, repeated_rows, events, readings),
    )


def _counts(
    raw: int,
    stories: Sequence[Story],
    rejected: Sequence[Rejected],
    repeated_rows: int,
    events: pa.Table,
    readings: Readings,
) -> EventCounts:
    return EventCounts(
        raw=raw,
        reports=len(stories),
        rejected=dict(sorted(Counter(str(each.reason) for each in rejected).items())),
        repeated_rows=repeated_rows,
        events=events.num_rows,
        leading=sum(story.head is None for story in stories),
        about_market=pc.sum(pc.equal(events["symbol"], MARKET)).as_py() or 0,
        synthetic_links=pc.sum(events["synthetic_link"]).as_py() or 0,
        low_quality=pc.sum(events["is_low_quality"]).as_py() or 0,
        rejected_readings=len(readings.rejected),
    )


def _between(raw: pa.Table, start: datetime, end: datetime) -> pa.Table:
    refuse_other_tables(raw)
    when = raw["available_at"]
    kind = RAW_EVENTS.field("available_at").type
    inside = pc.and_(pc.greater_equal(when, pa.scalar(start, kind)), pc.less(when, pa.scalar(end, kind)))
    return raw.filter(inside).combine_chunks()


def _readings(reports: Sequence[Report], text_model: TextModel | None) -> Readings:
    if text_model is None:
        return Readings({}, ())
    return read_titles(text_model, [report.headline for report in reports])


def _stories(
    reports: Sequence[Report], today: int, settings: EventSettings, gazetteer: Gazetteer, readings: Readings
) -> list[Story]:
    """Return the stories of reports[today:]; whether they repeat another is decided by the reports before them too."""
    named = [link(report.headline, gazetteer) for report in reports]
    symbols = [frozenset(each.symbol for each in links) for links in named]
    repeated = {each.report: each for each in repetitions(reports, symbols, today, settings.clustering)}
    stories = []
    for place in range(today, len(reports)):
        report, repetition = reports[place], repeated.get(place)
        head = reports[repetition.head] if repetition else None
        links = links_or_market(named[place], _guesses(report, readings, gazetteer))
        similarity = repetition.similarity if repetition else 0.0
        stories.append(Story(report, links, head, similarity, readings.accepted.get(report.headline)))
    return stories


def _guesses(report: Report, readings: Readings, gazetteer: Gazetteer) -> tuple[Link, ...]:
    reading = readings.accepted.get(report.headline)
    by_model = link_entities(reading.entities, LinkMethod.TEXT_MODEL, gazetteer) if reading else ()
    return by_model + link_entities(report.entities, LinkMethod.FEED, gazetteer)


def _rejected_table(window: pa.Table, rejected: Sequence[Rejected]) -> pa.Table:
    rows = window.take(pa.array([each.row for each in rejected], pa.int64()))
    reasons = pa.array([str(each.reason) for each in rejected], pa.string())
    details = pa.array([each.detail for each in rejected], pa.string())
    table = pa.table([*rows.columns, reasons, details], schema=REJECTED)
    return table.sort_by([(name, "ascending") for name in ("available_at", "raw_id", "reason", "place")])


def _readings_table(readings: Readings) -> pa.Table:
    accepted = [
        {**reading.model_dump(mode="json"), "title": title} for title, reading in sorted(readings.accepted.items())
    ]
    rejected = [{"title": each.title, "reason": each.reason} for each in readings.rejected]
    return pa.Table.from_pylist([*accepted, *rejected], schema=READINGS)
