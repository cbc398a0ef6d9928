"""Market bars: one row per symbol and bar, as facts of a source."""

from __future__ import annotations

import pyarrow as pa

MOMENT = pa.timestamp("us", tz="UTC")

MARKET_BARS = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("ts_end", MOMENT, nullable=False),
        pa.field("open", pa.float64(), nullable=False),
        pa.field("high", pa.float64(), nullable=False),
        pa.field("low", pa.float64(), nullable=False),
        pa.field("close", pa.float64(), nullable=False),
        pa.field("volume", pa.float64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""Sorted by (ts_end, symbol, source), no key twice; the bars of one source alone by (ts_end, symbol), no key twice.

`ts_end` is when the bar is over, UTC: its numbers are known from then on. A bar that does not exist is not a row;
prices are positive, volumes not negative, and everything is finite.
"""
