"""Schemas: the tables that the feeds publish, declared once; the first of a dataset is its main one."""

from __future__ import annotations

import pyarrow as pa

from distill_platform.feeds.column_words import WORDS
from distill_platform.feeds.events.event import EVENTS, RAW_EVENTS
from distill_platform.feeds.events.pipeline import READINGS, REJECTED as REJECTED_REPORTS
from distill_platform.feeds.events.story import CLUSTERS, LINKS
from distill_platform.feeds.market_bars import MARKET_BARS, MOMENT
from distill_platform.feeds.rejected import REJECTED
from distill_platform.store.lake.described import described

GAPS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("start", MOMENT, nullable=False),
        pa.field("end", MOMENT, nullable=False),
        pa.field("missing", pa.int64(), nullable=False),
        pa.field("is_outage", pa.bool_(), nullable=False),
    ]
)
RESOURCES = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("resource", pa.string(), nullable=False),
        pa.field("is_failure", pa.bool_(), nullable=False),
        pa.field("raw_sha256", pa.list_(pa.string()), nullable=False),
    ]
)
HEALTH = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("tier", pa.int8(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("attempts", pa.int64(), nullable=False),
        pa.field("successes", pa.int64(), nullable=False),
        pa.field("failures", pa.int64(), nullable=False),
        pa.field("empty", pa.int64(), nullable=False),
        pa.field("rate_limited", pa.int64(), nullable=False),
        pa.field("held_back", pa.int64(), nullable=False),
        pa.field("success_rate", pa.float64()),
        pa.field("latency_p50_s", pa.float64()),
        pa.field("latency_p95_s", pa.float64()),
        pa.field("lag_p50_s", pa.float64()),
        pa.field("lag_p95_s", pa.float64()),
        pa.field("breaker", pa.string(), nullable=False),
        pa.field("owes", pa.bool_(), nullable=False),
    ]
)
BREACHES = pa.schema([pa.field("source", pa.string(), nullable=False), pa.field("breach", pa.string(), nullable=False)])

_DECLARED: dict[str, dict[str, pa.Schema]] = {
    "market_bars": {"bars": MARKET_BARS, "gaps": GAPS, "rejected": REJECTED, "resources": RESOURCES},
    "raw_events": {"raw_events": RAW_EVENTS, "rejected": REJECTED, "resources": RESOURCES},
    "source_health": {"health": HEALTH, "breaches": BREACHES},
    "events": {
        "events": EVENTS,
        "links": LINKS,
        "clusters": CLUSTERS,
        "rejected": REJECTED_REPORTS,
        "readings": READINGS,
    },
}

TABLES = described(_DECLARED, WORDS)
