"""Stories: one report of a day with all that was found out about it, and the tables that stories are written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from distill_platform.feeds.events.event import EVENTS
from distill_platform.feeds.events.linking import Link
from distill_platform.feeds.events.normalizing import Report
from distill_platform.feeds.events.polarity import Lexicon, polarity
from distill_platform.feeds.events.quality import quality
from distill_platform.feeds.events.settings import QualitySettings
from distill_platform.feeds.events.text_model import TextReading

LINKS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("phrase", pa.string(), nullable=False),  # the words that named it; empty where none did
    ]
)
CLUSTERS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("cluster_id", pa.string(), nullable=False),  # the earliest report that it repeats
        pa.field("similarity", pa.float64(), nullable=False),  # of the two titles, in [0, 100]
        pa.field("title", pa.string(), nullable=False),
        pa.field("outlet", pa.string(), nullable=False),
        pa.field("head_title", pa.string(), nullable=False),
        pa.field("head_outlet", pa.string(), nullable=False),
    ]
)
"""One row for each report that repeats another."""


@dataclass(frozen=True, slots=True)
class Story:
    """A report, whom it is about, which earlier report it repeats, and what a text model read in it, if one did."""

    report: Report
    links: tuple[Link, ...]
    head: Report | None
    similarity: float
    reading: TextReading | None

    @property
    def cluster_id(self) -> str:
        """Return the id of the report that it repeats, or its own."""
        return (self.head or self.report).raw_id

    @property
    def is_corroborated(self) -> bool:
        """Return whether another outlet had said it before."""
        return self.head is not None and self.head.outlet != self.report.outlet


def events_table(stories: Iterable[Story], lexicon: Lexicon, settings: QualitySettings) -> pa.Table:
    """Return EVENTS: one row for each story and symbol."""
    rows = [row for story in stories for row in _event_rows(story, lexicon, settings)]
    ordered = sorted(rows, key=lambda row: (row["available_at"], row["event_id"], row["symbol"]))
    return pa.Table.from_pylist(ordered, schema=EVENTS)


def _event_rows(story: Story, lexicon: Lexicon, settings: QualitySettings) -> Iterator[dict[str, Any]]:
    report, reading = story.report, story.reading
    for link in story.links:
        score = quality(report, link, is_corroborated=story.is_corroborated, settings=settings)
        yield {
            "event_id": report.raw_id,
            "symbol": link.symbol,
            "kind": str(reading.kind if reading else report.kind),
            "published_at": report.published_us,
            "available_at": report.available_us,
            "title": report.title,
            "source": report.source,
            "outlet": report.outlet,
            "tier": report.tier,
            "confidence": report.confidence,
            "quality": score,
            "polarity": _polarity(story, lexicon),
            "leads": story.head is None,
            "cluster_id": story.cluster_id,
            "synthetic_link": link.is_synthetic,
            "is_low_quality": not score >= settings.lowest,
            "link_method": str(link.method),
        }


def _polarity(story: Story, lexicon: Lexicon) -> float:
    """Return how the story sounds: as a text model says, else as the feed does, else by the words of its headline."""
    if story.reading is not None:
        return story.reading.polarity
    return polarity(story.report.headline, lexicon) if story.report.tone is None else story.report.tone


def links_table(stories: Iterable[Story]) -> pa.Table:
    """Return LINKS, by event and symbol."""
    rows = [
        {"event_id": story.report.raw_id, "symbol": link.symbol, "method": str(link.method), "phrase": link.phrase}
        for story in stories
        for link in story.links
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: (row["event_id"], row["symbol"])), schema=LINKS)


def clusters_table(stories: Iterable[Story]) -> pa.Table:
    """Return CLUSTERS, by event."""
    rows = [
        {
            "event_id": story.report.raw_id,
            "cluster_id": story.cluster_id,
            "similarity": story.similarity,
            "title": story.report.title,
            "outlet": story.report.outlet,
            "head_title": story.head.title,
            "head_outlet": story.head.outlet,
        }
        for story in stories
        if story.head is not None
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["event_id"])), schema=CLUSTERS)
