"""Attempts: one line for every request that a feed was sent, whatever came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from distill_platform.core.errors import FeedError, FeedGarbled, FeedRefused, FeedUnavailable
from distill_platform.core.utc import iso, parse_utc
from distill_platform.feeds.http.resource import check_feed
from distill_platform.feeds.journal import open_journal, read_journal


class AttemptOutcome(StrEnum):
    """What came of one attempt."""

    NEW = "new"
    UNCHANGED = "unchanged"
    EMPTY = "empty"  # the source answered, with nothing
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    GARBLED = "garbled"
    HELD_BACK = "held_back"  # wanted, but not sent, because the breaker is open


@dataclass(frozen=True)
class Attempt:
    """One attempt: when it began (UTC), how long it took, and how old what came was, where that is known."""

    feed: str
    key: str
    at: datetime
    outcome: AttemptOutcome
    number: int = 1  # of those for one fetch
    status: int | None = None
    latency_s: float = 0.0
    bytes: int = 0
    lag_s: float | None = None


@dataclass(frozen=True)
class AttemptDay:
    """All attempts of a feed that began on one UTC day, in the order in which they ended."""

    attempts: tuple[Attempt, ...] = ()
    unreadable: int = 0  # lines that a crash cut off, or that say nothing of an attempt


class AttemptBook:
    """Attempts of all feeds, in `<root>/<feed>/<day>.jsonl`; threads and processes may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, attempt: Attempt) -> None:
        """Write down one attempt; it is on disk when this returns."""
        values = asdict(attempt) | {"at": iso(attempt.at)}
        with open_journal(self._path(attempt.feed, attempt.at.astimezone(UTC).date())) as journal:
            journal.append(values)

    def day(self, feed: str, day: date) -> AttemptDay:
        """Return the attempts of a UTC day; none for a day on which nobody asked."""
        lines = read_journal(self._path(feed, day))
        read = [_attempt(values) for values in lines.values]
        own = (attempt for attempt in read if attempt is not None and attempt.feed == feed)
        attempts = tuple(attempt for attempt in own if attempt.at.date() == day)
        return AttemptDay(attempts, lines.unreadable + len(read) - len(attempts))

    def _path(self, feed: str, day: date) -> Path:
        check_feed(feed)
        return self._root / feed / f"{day.isoformat()}.jsonl"


def outcome_of(error: FeedError) -> AttemptOutcome:
    """Return what an attempt that ended in `error` was."""
    if isinstance(error, FeedUnavailable):
        return AttemptOutcome.RATE_LIMITED if error.status == 429 else AttemptOutcome.UNAVAILABLE
    if isinstance(error, FeedRefused):
        return AttemptOutcome.REFUSED
    return AttemptOutcome.GARBLED if isinstance(error, FeedGarbled) else AttemptOutcome.UNAVAILABLE


def _attempt(values: Mapping[str, Any]) -> Attempt | None:
    try:
        attempt = Attempt(
            **dict(values) | {"at": parse_utc(values["at"]), "outcome": AttemptOutcome(values["outcome"])}
        )
    except (KeyError, TypeError, ValueError):
        return None
    return attempt if _is_sound(attempt) else None


def _is_sound(attempt: Attempt) -> bool:
    """Return whether a line that has the right names also has values that can be counted."""
    texts: tuple[Any, ...] = (attempt.feed, attempt.key)
    counts: tuple[Any, ...] = (attempt.number, attempt.bytes, attempt.status or 0)
    seconds: tuple[Any, ...] = (attempt.latency_s, attempt.lag_s or 0.0)
    return (
        all(isinstance(text, str) for text in texts)
        and all(type(count) is int and count >= 0 for count in counts)
        and all(type(each) in (int, float) and 0.0 <= each < math.inf for each in seconds)
    )
