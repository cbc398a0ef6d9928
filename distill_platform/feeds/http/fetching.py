"""Fetching: a resource's bytes, new or as they are kept, or an error that says why there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from distill_platform.core import canon
from distill_platform.core.errors import BreakerOpen, ConfigError, FeedError, FeedRefused, FeedUnavailable, RawDamaged
from distill_platform.feeds.attempts import Attempt, AttemptBook, AttemptOutcome, outcome_of
from distill_platform.feeds.breaker import LedgerBreaker, Permit
from distill_platform.feeds.http.asking import Answer, ask, open_client
from distill_platform.feeds.http.body import check_charset, garbled
from distill_platform.feeds.http.freshness import conditions_of, etag_of, lag_s, last_modified_of
from distill_platform.feeds.http.rate_limit import TokenBucket
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.http.retrying import attempts_of, retry_after_s
from distill_platform.feeds.raw_store import RawStore, Snapshot
from distill_platform.feeds.settings import FeedSettings

if TYPE_CHECKING:
    from httpx import Client

_LATER = frozenset({408, 425, 429})
_NOTHING = frozenset({204, 205})
_TYPE_CHARACTERS = 200
_URL_CHARACTERS = 2_000


class FetchOutcome(StrEnum):
    """What an answer was: other bytes than before, the same ones, or none at all."""

    NEW = "new"
    UNCHANGED = "unchanged"
    EMPTY = "empty"


@dataclass(frozen=True)
class Fetched:
    """The bytes of a resource: `body` are those that came, or the kept ones where nothing has changed.

    `fetched_at` is when these very bytes first came, UTC; of an empty answer, when it came. `attempts` is how many
    requests it took, redirects not counted. An empty answer is not kept.
    """

    resource: Resource
    outcome: FetchOutcome
    body: bytes = field(repr=False)
    sha256: str
    etag: str
    content_type: str
    fetched_at: datetime
    attempts: int


class Fetcher:
    """Asks one feed for resources, politely; threads may share it. Close it, or use it as a context."""

    def __init__(
        self,
        settings: FeedSettings,
        store: RawStore,
        breaker: LedgerBreaker,
        attempts: AttemptBook,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._store = store
        self._breaker = breaker
        self._book = attempts
        self._clock = clock
        self._monotonic = monotonic
        self._bucket = TokenBucket(settings.rate_limit, monotonic, sleep)
        self._client: Client | None = None
        self._opening = Lock()

    def fetch(self, resource: Resource) -> Fetched:
        """Return the bytes of `resource`, after as many attempts as the settings allow.

        Raises BreakerOpen when the feed may not be asked now, FeedUnavailable when it cannot answer, FeedRefused when
        it says no, FeedGarbled when its bytes are not what they claim to be. The breaker hears of all but the first;
        a no is an answer, and no reason to open. Each attempt is written down, whatever comes of it.
        """
        permit = self._admitted(resource)
        try:
            fetched = self._tried(resource, permit)
        except FeedRefused:
            self._breaker.succeeded(permit)
            raise
        except FeedError as error:
            hold = error.retry_after_s if isinstance(error, FeedUnavailable) else None
            self._breaker.failed(permit, error.message, hold_s=hold)
            raise
        self._breaker.succeeded(permit)
        return fetched

    def close(self) -> None:
        """Give the HTTP client back."""
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _admitted(self, resource: Resource) -> Permit:
        if resource.feed != self._breaker.feed:
            raise ConfigError(f"{resource.key} is a resource of {resource.feed}, not of {self._breaker.feed}")
        try:
            return self._breaker.admit()
        except BreakerOpen:
            held = Attempt(resource.feed, resource.key, self._clock(), AttemptOutcome.HELD_BACK)
            self._book.add(held)
            raise

    def _tried(self, resource: Resource, permit: Permit) -> Fetched:
        """Return what the first attempt that works gives; who tries whether a feed is back has one attempt only."""
        retry = self._settings.retry
        ends = self._monotonic() + retry.timeout_s
        most = 1 if permit.is_probe else retry.max_attempts
        for attempt in attempts_of(retry, most, lambda: ends - self._monotonic()):
            with attempt:
                return self._attempted(resource, attempt.num, ends - self._monotonic())
        raise AssertionError("the last attempt returns or raises")

    def _attempted(self, resource: Resource, number: int, left_s: float) -> Fetched:
        """Return what one attempt gives, and write down what it was."""
        at, began, answer = self._clock(), self._monotonic(), None
        try:
            last = self._kept(resource)
            answer = self._asked(resource, last, left_s)
            fetched = self._judged(resource, answer, last, number)
        except FeedError as error:
            self._note(resource, number, at, began, outcome_of(error), answer)
            raise
        self._note(resource, number, at, began, AttemptOutcome(fetched.outcome), answer)
        return fetched

    def _asked(self, resource: Resource, last: Snapshot | None, left_s: float) -> Answer:
        with self._opening:
            self._client = self._client or open_client(self._settings.timeouts)
        seconds = min(self._settings.timeouts.total_s, max(left_s, 0.0))
        limit = self._settings.max_bytes
        return ask(self._client, resource, conditions_of(last), limit, seconds, self._bucket.take)

    def _judged(self, resource: Resource, answer: Answer, last: Snapshot | None, number: int) -> Fetched:
        """Return what an answer is; raise when its status says that it is none."""
        if answer.status == 304 and last is not None and conditions_of(last):
            body = self._store.read(resource.feed, last.sha256)
            return _fetched(resource, FetchOutcome.UNCHANGED, body, last, number)
        if answer.status in _NOTHING or (answer.status == 200 and not answer.body.strip()):
            return Fetched(resource, FetchOutcome.EMPTY, b"", canon.sha256_hex(b""), "", "", self._clock(), number)
        if answer.status != 200:
            raise _no(resource, answer, self._clock())
        return self._new(resource, answer, number)

    def _new(self, resource: Resource, answer: Answer, number: int) -> Fetched:
        """Return bytes that came, kept; they are unchanged when another label stands on the same ones."""
        now, kind = self._clock(), answer.headers.get("content-type", "")[:_TYPE_CHARACTERS]
        check_charset(answer.body, kind, self._settings.encoding, resource)
        label = Snapshot(
            feed=resource.feed,
            key=resource.key,
            url=resource.shown[:_URL_CHARACTERS],
            sha256=canon.sha256_hex(answer.body),
            bytes=len(answer.body),
            etag=etag_of(answer.headers),
            last_modified=last_modified_of(answer.headers, now),
            content_type=kind,
            fetched_at=now,
        )
        kept, is_new = self._store.keep(label, answer.body)
        outcome = FetchOutcome.NEW if is_new else FetchOutcome.UNCHANGED
        return _fetched(resource, outcome, answer.body, kept, number)

    def _kept(self, resource: Resource) -> Snapshot | None:
        """Return the newest snapshot whose bytes are sound: what is damaged is fetched again as if never seen."""
        last = self._store.latest(resource.feed, resource.key)
        try:
            if last is not None:
                self._store.read(resource.feed, last.sha256)
        except RawDamaged:
            return None
        return last

    def _note(
        self,
        resource: Resource,
        number: int,
        at: datetime,
        began: float,
        outcome: AttemptOutcome,
        answer: Answer | None,
    ) -> None:
        is_new = answer is not None and outcome is AttemptOutcome.NEW
        self._book.add(
            Attempt(
                feed=resource.feed,
                key=resource.key,
                at=at,
                outcome=outcome,
                number=number,
                status=answer.status if answer else None,
                latency_s=max(0.0, self._monotonic() - began),
                bytes=len(answer.body) if answer else 0,
                lag_s=lag_s(answer.headers, self._clock()) if answer and is_new else None,
            )
        )


def _fetched(resource: Resource, outcome: FetchOutcome, body: bytes, kept: Snapshot, attempts: int) -> Fetched:
    return Fetched(resource, outcome, body, kept.sha256, kept.etag, kept.content_type, kept.fetched_at, attempts)


def _no(resource: Resource, answer: Answer, now: datetime) -> FeedError:
    """Return the error that a status other than that of data means."""
    status, feed, url = answer.status, resource.feed, resource.shown
    if status in _LATER or status >= 500:
        wait = retry_after_s(answer.headers, now)
        return FeedUnavailable(f"it answers {status}", feed=feed, url=url, status=status, retry_after_s=wait)
    if status >= 400:
        return FeedRefused(f"it answers {status}", feed=feed, url=url, status=status)
    return garbled(resource, f"it answers {status}, which was not asked for")
