"""Raw store: the bytes that came, kept once each under their hash, and which resource showed which of them when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import RawDamaged
from distill_platform.core.utc import iso, parse_utc
from distill_platform.feeds.http.resource import check_feed
from distill_platform.feeds.journal import last_of_journal, open_journal, read_journal
from distill_platform.store.lake.atomic import replace_file

_HASH_CHARACTERS = 64


@dataclass(frozen=True)
class Snapshot:
    """One version of a resource; `fetched_at` is when its bytes came, `url` is without secrets.

    `etag` and `last_modified` are empty unless they can be sent back to ask for another version only.
    """

    feed: str
    key: str
    url: str
    sha256: str
    bytes: int
    etag: str
    last_modified: str
    content_type: str
    fetched_at: datetime


class RawStore:
    """Bytes in `<root>/<feed>/bytes/<2 letters>/<sha256>`, snapshots in `<root>/<feed>/resources/<hash of key>.jsonl`.

    Threads and processes may share it. A key is hashed, never part of a path.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, snapshot: Snapshot, body: bytes) -> tuple[Snapshot, bool]:
        """Return the snapshot as it is kept, and whether its bytes are others than those of the one before it.

        The same bytes under another label keep the time of their first coming. Of callers that bring the same bytes at
        the same time, one is told that they are new. Bytes are on disk before anything refers to them.
        """
        self._keep_bytes(snapshot, body)
        with open_journal(self._index(snapshot.feed, snapshot.key)) as journal:
            last = _snapshot(journal.last(), snapshot.feed, snapshot.key)
            is_new = last is None or last.sha256 != snapshot.sha256
            kept = snapshot if last is None or is_new else replace(snapshot, fetched_at=last.fetched_at)
            if kept != last:
                journal.append(asdict(kept) | {"fetched_at": iso(kept.fetched_at)})
        return kept, is_new

    def latest(self, feed: str, key: str) -> Snapshot | None:
        """Return the newest snapshot of a resource, None where there is none."""
        return _snapshot(last_of_journal(self._index(feed, key)), feed, key)

    def snapshots(self, feed: str, key: str) -> list[Snapshot]:
        """Return all snapshots of a resource, oldest first."""
        read = [_snapshot(values, feed, key) for values in read_journal(self._index(feed, key)).values]
        return [snapshot for snapshot in read if snapshot is not None]

    def read(self, feed: str, sha256: str) -> bytes:
        """Return the bytes with that hash; RawDamaged when they are gone, or others than they were."""
        path = self._file(feed, sha256)
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            raise _damaged(feed, sha256, "are gone") from None
        if canon.sha256_hex(body) != sha256:
            raise _damaged(feed, sha256, "are not the ones that came")
        return body

    def _keep_bytes(self, snapshot: Snapshot, body: bytes) -> None:
        """Write bytes that are not there yet, or are there but damaged."""
        try:
            self.read(snapshot.feed, snapshot.sha256)
        except RawDamaged:
            replace_file(self._file(snapshot.feed, snapshot.sha256), body)

    def _file(self, feed: str, sha256: str) -> Path:
        check_feed(feed)
        if len(sha256) != _HASH_CHARACTERS or not set(sha256) <= set("0123456789abcdef"):
            raise _damaged(feed, ascii(sha256)[:80], "have no such hash")
        return self._root / feed / "bytes" / sha256[:2] / sha256

    def _index(self, feed: str, key: str) -> Path:
        check_feed(feed)
        return self._root / feed / "resources" / f"{canon.sha256_hex(key.encode())}.jsonl"


def _snapshot(values: Mapping[str, Any] | None, feed: str, key: str) -> Snapshot | None:
    """Return the snapshot of that resource that a line holds; None for another's, and for what is none."""
    try:
        found = Snapshot(**dict(values or {}) | {"fetched_at": parse_utc((values or {})["fetched_at"])})
    except (KeyError, TypeError, ValueError):
        return None
    texts = (found.url, found.sha256, found.etag, found.last_modified, found.content_type)
    is_sound = all(isinstance(text, str) for text in texts) and type(found.bytes) is int
    return found if is_sound and (found.feed, found.key) == (feed, key) else None


def _damaged(feed: str, sha256: str, why: str) -> RawDamaged:
    return RawDamaged(f"kept bytes {sha256} {why}", feed=feed, hint="Fetch the resource again, or restore a copy")
