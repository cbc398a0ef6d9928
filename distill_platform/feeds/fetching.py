"""Fetching for any feed: over HTTP with a breaker and retries, or from this disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from distill_platform.feeds.attempts import AttemptBook
from distill_platform.feeds.breaker import LedgerBreaker
from distill_platform.feeds.feed import FeedConfig, FilesFeed
from distill_platform.feeds.http.fetching import Fetcher
from distill_platform.feeds.local_files import LocalFiles
from distill_platform.feeds.raw_store import RawStore
from distill_platform.store.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from distill_platform.feeds.collecting import Fetch


@contextmanager
def open_fetch(
    feed: FeedConfig, store: RawStore, attempts: AttemptBook, ledger: Ledger, clock: Callable[[], datetime]
) -> Iterator[Fetch]:
    """Return, as a context, what `collect` asks for a feed's resources with; one for all the days of a run."""
    if isinstance(feed, FilesFeed):
        yield LocalFiles(store, attempts, clock, feed.max_bytes).fetch
        return
    breaker = LedgerBreaker(ledger, feed.name, feed.breaker, clock)
    with Fetcher(feed, store, breaker, attempts, clock) as fetcher:
        yield fetcher.fetch
