"""Tables of raw reports and of events, made from what a test cares about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.core import canon
from distill_platform.feeds.events.event import EVENTS, MARKET, RAW_EVENTS
from distill_platform.feeds.events.gazetteer import Entity, Gazetteer, GazetteerFile, build_gazetteer

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


def report(hour: float, title: str, outlet: str = "one.com", **fields: Any) -> dict[str, Any]:
    """One raw report that became available so many hours after START; its id is that of its content."""
    when = START + timedelta(hours=hour)
    row = {
        "source": "feed",
        "outlet": outlet,
        "kind": "headline",
        "published_at": when,
        "available_at": when,
        "title": title,
        "url": None,
        "value": None,
        "tone": None,
        "entities": [],
        "tier": 2,
        "confidence": 0.8,
        "raw_sha256": "0" * 64,
        "place": "1",
    } | fields
    identity = [outlet, title, hour]
    return {"raw_id": canon.sig_hash(identity)} | row


def raw_table(*rows: dict[str, Any]) -> pa.Table:
    """A table of RAW_EVENTS."""
    return pa.Table.from_pylist(list(rows), schema=RAW_EVENTS)


def coins() -> Gazetteer:
    """A small gazetteer with every sort of phrase."""
    entities = [
        Entity(symbol="BTC", names=["Bitcoin"], tickers=["BTC"], excluded=["Bitcoin Magazine"]),
        Entity(symbol="BCH", names=["Bitcoin Cash"], tickers=["BCH"]),
        Entity(symbol="ETH", names=["Ethereum"], tickers=["ETH"], ambiguous_names=["Ether"], context=["staking"]),
        Entity(symbol="SOL", names=["Solana"], ambiguous_tickers=["SOL"], context=["validators"]),
        Entity(symbol="LINK", names=["Chainlink"], ambiguous_tickers=["LINK"]),
        Entity(symbol="AVAX", tickers=["AVAX"], ambiguous_names=["Avalanche"], context=["subnet"]),
    ]
    return build_gazetteer("coins", GazetteerFile(context=["token", "crypto"], entities=entities))
