"""Opening a feed: the connector that its declaration asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from distill_platform.feeds.connectors.candles import Candles
from distill_platform.feeds.connectors.connector import Connector
from distill_platform.feeds.connectors.files import Files
from distill_platform.feeds.connectors.fred import Fred
from distill_platform.feeds.connectors.gdelt import Gdelt
from distill_platform.feeds.connectors.rss import Rss
from distill_platform.feeds.feed import CandlesFeed, FeedConfig, FilesFeed, FredFeed, GdeltFeed


def connector_of(feed: FeedConfig, base: Path, environment: Mapping[str, str]) -> Connector:
    """Return the connector of a feed; paths of files start at `base`, secrets are looked up in `environment`."""
    if isinstance(feed, GdeltFeed):
        return Gdelt(feed)
    if isinstance(feed, FredFeed):
        return Fred(feed, environment)
    if isinstance(feed, CandlesFeed):
        return Candles(feed)
    return Files(feed, base) if isinstance(feed, FilesFeed) else Rss(feed)
