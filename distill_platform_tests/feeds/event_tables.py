"""Tables of raw reports and of events, made from what a test cares about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.feeds.events.event import EVENTS, MARKET

START = datetime(2026, 3, 1, tzinfo=UTC)
START_NS = int(START.timestamp()) * 1_000_000_000
HOUR_NS = 3_600_000_000_000


def hours(*count: float) -> np.ndarray:
    """Moments so many hours after START, in nanoseconds."""
    return np.array([START_NS + round(hour * HOUR_NS) for hour in count], np.int64)


def event(hour: float, symbol: str = MARKET, **fields: Any) -> dict[str, Any]:
    """One event that became available so many hours after START."""
    when = START + timedelta(hours=hour)
    row = {
        "event_id": f"{symbol}@{hour}",
        "symbol": symbol,
        "kind": "headline",
        "published_at": when,
        "available_at": when,
        "title": f"News of {symbol}",
        "source": "feed",
        "outlet": "outlet",
        "tier": 1,
        "confidence": 1.0,
        "quality": 1.0,
        "polarity": 0.0,
        "leads": True,
        "cluster_id": f"{symbol}@{hour}",
        "synthetic_link": False,
        "is_low_quality": False,
        "link_method": "name",
    }
    return row | fields


def events_table(*rows: dict[str, Any]) -> pa.Table:
    """A table of EVENTS."""
    return pa.Table.from_pylist(list(rows), schema=EVENTS)
