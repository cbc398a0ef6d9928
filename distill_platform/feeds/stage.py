"""What every stage of the feeds shares: the place it works in, and how it publishes a day."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from distill_platform.feeds.attempts import AttemptBook
from distill_platform.feeds.bodies import Bodies
from distill_platform.feeds.breaker import LedgerBreaker
from distill_platform.feeds.collecting import Fetch
from distill_platform.feeds.configuration import FeedsConfiguration
from distill_platform.feeds.connectors.opening import connector_of
from distill_platform.feeds.feed import FeedConfig
from distill_platform.feeds.fetching import open_fetch
from distill_platform.feeds.raw_store import RawStore
from distill_platform.feeds.schemas import TABLES
from distill_platform.store import code
from distill_platform.store.lake import Lake, Manifest
from distill_platform.store.lake.tables import MadeTables, Making, publish_tables
from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.store.stages import Progress, no_progress


@dataclass(frozen=True)
class Feeds:
    """Everything a stage may use: what is declared, the lake, the ledger, the bytes that came, and the clock."""

    configuration: FeedsConfiguration
    lake: Lake
    ledger: Ledger
    raw: RawStore
    attempts: AttemptBook
    clock: Callable[[], datetime]
    progress: Progress = field(default=no_progress)

    def breaker(self, feed: FeedConfig) -> LedgerBreaker:
        """Return the breaker of a feed, which all processes share."""
        return LedgerBreaker(self.ledger, feed.name, feed.breaker, self.clock)

    def bodies(self, feed: FeedConfig) -> Bodies:
        """Return what was kept of a feed."""
        return Bodies(connector_of(feed, self.configuration.base, os.environ), self.raw)

    def asking(self, feed: FeedConfig) -> AbstractContextManager[Fetch]:
        """Open what asks a feed for its resources: this disk for files, the network for all else."""
        return open_fetch(feed, self.raw, self.attempts, self.ledger, self.clock)


@contextmanager
def open_feeds(
    configuration: FeedsConfiguration, *, now: Callable[[], datetime], progress: Progress = no_progress
) -> Iterator[Feeds]:
    """Open the feeds that the configuration declares; their ledger is closed with the context."""
    with open_ledger(configuration.ledger.url, clock=now, anchors=configuration.ledger.anchors) as ledger:
        root = configuration.lake
        raw, attempts = RawStore(root / "raw"), AttemptBook(root / "attempts")
        yield Feeds(configuration, Lake(root), ledger, raw, attempts, now, progress)


def code_version() -> str:
    """Return the package's version and a digest of the code that makes bars and events."""
    return code.code_version("core", "stats", "store", "strategies", "feeds")


def publish_day(feeds: Feeds, dataset: str, day: str, made: MadeTables) -> Manifest:
    """Return the manifest of one day of a dataset after writing its tables and holding them against the laws."""
    making = Making(TABLES[dataset], feeds.configuration.hash_of(dataset), code_version())
    return publish_tables(feeds.lake, dataset, day, made, making)
