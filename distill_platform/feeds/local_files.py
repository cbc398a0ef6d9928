"""Local files: fetched like anything else, so that their bytes are kept and their failures seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import FeedError, FeedGarbled, FeedRefused
from distill_platform.feeds.attempts import Attempt, AttemptBook, AttemptOutcome, outcome_of
from distill_platform.feeds.connectors.connector import LocalFile
from distill_platform.feeds.http.fetching import FetchOutcome
from distill_platform.feeds.raw_store import RawStore, Snapshot


@dataclass(frozen=True)
class Taken:
    """What taking a file gave."""

    outcome: FetchOutcome


class LocalFiles:
    """Takes files of this disk into the raw store, each once in its life: what it held then is what a run sees."""

    def __init__(self, store: RawStore, attempts: AttemptBook, clock: Callable[[], datetime], max_bytes: int) -> None:
        self._store = store
        self._book = attempts
        self._clock = clock
        self._max_bytes = max_bytes
        self._taken: dict[str, Taken | FeedError] = {}

    def fetch(self, file: LocalFile) -> Taken:
        """Return whether the file's bytes are new, as they were, or none.

        Raises FeedRefused for a file that is not there, is no ordinary file or cannot be read, FeedGarbled for one that
        is too large, or empty after it held something.
        """
        if file.key not in self._taken:
            self._taken[file.key] = self._attempted(file)
        taken = self._taken[file.key]
        if isinstance(taken, FeedError):
            raise taken
        return taken

    def _attempted(self, file: LocalFile) -> Taken | FeedError:
        at, began, body = self._clock(), time.monotonic(), b""
        taken: Taken | FeedError
        try:
            body = self._read(file)
            taken = Taken(self._keep(file, body, at))
            outcome = AttemptOutcome(taken.outcome)
        except FeedError as error:
            taken, outcome = error, outcome_of(error)
        seconds = time.monotonic() - began
        self._book.add(Attempt(file.feed, file.key, at, outcome, latency_s=seconds, bytes=len(body)))
        return taken

    def _read(self, file: LocalFile) -> bytes:
        try:
            if not file.path.is_file() and file.path.exists():  # a pipe or a device may never end
                raise FeedRefused(f"{file.path} is no ordinary file", feed=file.feed)
            with file.path.open("rb") as opened:
                body = opened.read(self._max_bytes + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise FeedRefused(f"{file.path} cannot be read: {why}", feed=file.feed) from None
        if len(body) > self._max_bytes:
            hint = "Raise max_bytes if that is right"
            raise FeedGarbled(f"{file.path} is larger than {self._max_bytes:,} bytes", feed=file.feed, hint=hint)
        return body

    def _keep(self, file: LocalFile, body: bytes, at: datetime) -> FetchOutcome:
        if not body.strip():
            if self._store.latest(file.feed, file.key) is not None:
                hint = "Restore it, or remove its rows by leaving its header line"
                raise FeedGarbled(f"{file.path} is empty, and held something before", feed=file.feed, hint=hint)
            return FetchOutcome.EMPTY
        snapshot = Snapshot(
            feed=file.feed,
            key=file.key,
            url=file.path.as_posix(),
            sha256=sha256_hex(body),
            bytes=len(body),
            etag="",
            last_modified="",
            content_type="",
            fetched_at=at,
        )
        _, is_new = self._store.keep(snapshot, body)
        return FetchOutcome.NEW if is_new else FetchOutcome.UNCHANGED
