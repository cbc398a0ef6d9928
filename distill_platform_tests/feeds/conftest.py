"""What the tests of feeds share: a server that misbehaves, a clock that is set, and a feed in a folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from distill_platform.core.errors import FeedError
from distill_platform.feeds.attempts import Attempt, AttemptBook
from distill_platform.feeds.breaker import LedgerBreaker
from distill_platform.feeds.http.fetching import Fetched, Fetcher
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.raw_store import RawStore
from distill_platform.feeds.settings import FeedSettings
from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform_tests.feeds.chaos_server import ChaosServer, chaos_server

NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)
QUICK: dict[str, Any] = {
    "retry": {"max_attempts": 3, "first_wait_s": 0.01, "max_wait_s": 0.02, "jitter_s": 0.0, "timeout_s": 10.0},
    "timeouts": {"connect_s": 2.0, "read_s": 2.0, "total_s": 2.0},
    "rate_limit": {"requests": 1000, "period_s": 1.0},
    "breaker": {"failures_to_open": 3, "open_for_s": 60.0, "longest_open_s": 3600.0, "probe_expires_s": 30.0},
}


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def _settings(changes: dict[str, Any]) -> FeedSettings:
    merged = {name: {**QUICK[name], **part} if name in QUICK else part for name, part in changes.items()}
    return FeedSettings.model_validate({**QUICK, **merged})


@dataclass
class SmallFeed:
    """The feed `news`, with everything that it keeps below one folder."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)
    settings: FeedSettings = field(default_factory=lambda: FeedSettings.model_validate(QUICK))

    def with_settings(self, **changes: Any) -> "SmallFeed":
        return SmallFeed(self.folder, self.clock, _settings(changes))

    def ledger(self) -> Ledger:
        return open_ledger(f"sqlite:///{self.folder / 'ledger.sqlite'}", clock=self.clock, anchors=None)

    @property
    def store(self) -> RawStore:
        return RawStore(self.folder / "raw")

    @property
    def book(self) -> AttemptBook:
        return AttemptBook(self.folder / "attempts")

    def attempts(self) -> list[Attempt]:
        return list(self.book.day("news", self.clock().date()).attempts)

    @contextmanager
    def fetcher(self) -> Iterator[Fetcher]:
        """What a process that starts now would fetch with."""
        with self.ledger() as ledger:
            breaker = LedgerBreaker(ledger, "news", self.settings.breaker, self.clock)
            with Fetcher(self.settings, self.store, breaker, self.book, self.clock) as fetcher:
                yield fetcher

    def resource(self, url: str, **headers: str) -> Resource:
        return Resource("news", "page", url, headers)

    def fetch(self, url: str, **headers: str) -> Fetched:
        """Fetch as a process would that was started for this alone."""
        with self.fetcher() as fetcher:
            return fetcher.fetch(self.resource(url, **headers))

    def caught(self, url: str) -> FeedError:
        """The error that fetching ends in."""
        with pytest.raises(FeedError) as caught:
            self.fetch(url)
        return caught.value


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def server() -> Iterator[ChaosServer]:
    with chaos_server() as running:
        yield running


@pytest.fixture
def feed(tmp_path: Path, clock: SetClock) -> SmallFeed:
    return SmallFeed(tmp_path, clock)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the retries of the test wanted to sleep; they do not."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept
