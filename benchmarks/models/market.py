"""A market: hourly bars of five symbols and headlines about them, the same for everybody."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from distill_platform.feeds.events.event import EVENTS, MARKET
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.strategies.bars import Bars

HOUR_NS = 3_600 * 10**9
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")

_START_NS = 438_288 * HOUR_NS


def hourly_bars(count: int) -> BarGrid:
    """Return that many hours of prices that wander, with a bar for every symbol in each."""
    random, shape = np.random.default_rng(0), (count, len(SYMBOLS))
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.006, shape), axis=0))
    opened = close * np.exp(random.normal(0.0, 0.002, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(random.normal(0.0, 0.002, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(random.normal(0.0, 0.002, shape)))
    volume = np.exp(random.normal(6.0, 0.7, shape))
    ts = _START_NS + HOUR_NS * np.arange(count)
    return BarGrid(Bars(ts, SYMBOLS, open=opened, high=high, low=low, close=close, volume=volume), HOUR_NS)


def headlines(hours: int, reports: int) -> pa.Table:
    """Return reports spread over as many hours, about the symbols and the market in turn."""
    random = np.random.default_rng(1)
    when = _START_NS // 1_000 + np.sort(random.integers(0, hours * HOUR_NS // 1_000, reports))
    ids = [f"{number:064x}" for number in range(reports)]
    about = [(*SYMBOLS, MARKET)[number % (len(SYMBOLS) + 1)] for number in range(reports)]
    columns = {
        "event_id": ids,
        "symbol": about,
        "kind": ["headline"] * reports,
        "published_at": when,
        "available_at": when,
        "title": ["A report"] * reports,
        "source": ["wire"] * reports,
        "outlet": [f"outlet-{number % 20}" for number in range(reports)],
        "tier": 1 + np.arange(reports, dtype=np.int8) % 3,
        "confidence": np.full(reports, 0.9),
        "quality": np.full(reports, 0.8),
        "polarity": random.uniform(-1.0, 1.0, reports),
        "leads": np.arange(reports) % 4 > 0,
        "cluster_id": ids,
        "synthetic_link": np.zeros(reports, bool),
        "is_low_quality": np.arange(reports) % 7 == 0,
        "link_method": ["name"] * reports,
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in EVENTS]
    return pa.Table.from_arrays(arrays, schema=EVENTS)
