"""Events: the tables that raw reports come in as, and that the event pipeline makes of them."""

from __future__ import annotations

import pyarrow as pa

from distill_platform.feeds.market_bars import MOMENT

MARKET = "market"
"""Whom a report is about that names nobody known: the market as a whole, and no symbol of it."""

RAW_EVENTS = pa.schema(
    [
        pa.field("raw_id", pa.string(), nullable=False),  # SHA-256 over source, outlet, url, title and published_at
        pa.field("source", pa.string(), nullable=False),  # the declared feed
        pa.field("outlet", pa.string(), nullable=False),  # who published it: a domain or a name
        pa.field("kind", pa.string(), nullable=False),  # headline, macro, ...: as the feed declares
        pa.field("published_at", MOMENT, nullable=False),
        pa.field("available_at", MOMENT, nullable=False),  # published_at plus the feed's declared delay
        pa.field("title", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("value", pa.float64()),  # of a macro observation
        pa.field("tone", pa.float64()),  # as the feed says it, in [-1, 1]; missing where it does not
        pa.field("entities", pa.list_(pa.string()), nullable=False),  # as the feed says them, before linking
        pa.field("tier", pa.int8(), nullable=False),  # 1 best to 3
        pa.field("confidence", pa.float64(), nullable=False),  # of the feed, in [0, 1]
        pa.field("raw_sha256", pa.string(), nullable=False),  # of the stored bytes that the row was read from
        pa.field("place", pa.string(), nullable=False),  # the line or item within them
    ]
)
"""Sorted by (available_at, raw_id), no id twice. Nobody may use a report before `available_at`."""

EVENTS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),  # the raw_id of the report
        pa.field("symbol", pa.string(), nullable=False),  # a known symbol, or MARKET: one row for each that it is about
        pa.field("kind", pa.string(), nullable=False),
        pa.field("published_at", MOMENT, nullable=False),
        pa.field("available_at", MOMENT, nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("outlet", pa.string(), nullable=False),
        pa.field("tier", pa.int8(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("quality", pa.float64(), nullable=False),  # in [0, 1]
        pa.field("polarity", pa.float64(), nullable=False),  # in [-1, 1]; 0 says nothing
        pa.field("leads", pa.bool_(), nullable=False),  # no report of the two days before says the same
        pa.field(
            "cluster_id", pa.string(), nullable=False
        ),  # the event_id of the earliest report that it repeats, or its own
        pa.field("synthetic_link", pa.bool_(), nullable=False),  # linked by a guess: never trained on
        pa.field("is_low_quality", pa.bool_(), nullable=False),  # below the configured quality
        pa.field("link_method", pa.string(), nullable=False),  # how the symbol was found
    ]
)
"""Sorted by (available_at, event_id, symbol). Whether an event leads is decided by what was available before it."""
