"""Revisions: what is asked to be recorded, what was recorded, and the digest that ties one to the next."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, EntryRefused, LedgerDamaged, LedgerError
from distill_platform.store.ledger.streams import check_stream

GENESIS = "0" * 64
MAX_BODY_BYTES = 8 * 2**20
_MAX_TEXT = 512
_MAX_DEPTH = 200
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Entry:
    """Something to be recorded: `key` names it within its stream, for ever; `actor` is who says so."""

    stream: str
    key: str
    kind: str
    body: Mapping[str, Any]
    actor: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last revision of a stream, or what is known of one."""

    stream: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One recorded entry: number 1, 2, 3, ... of its stream, chained to the one before by `prev`.

    `text` is the body as it was recorded and hashed, in canonical form; `moment` the time of recording.
    """

    stream: str
    number: int
    key: str
    kind: str
    text: str
    actor: str
    moment: str
    prev: str
    digest: str

    @property
    def body(self) -> dict[str, Any]:
        """Return the body as a fresh object, read from `text`."""
        body: dict[str, Any] = canon.parse(self.text.encode())
        return body

    @property
    def recorded_at(self) -> datetime:
        """Return when the ledger's clock said it was recorded, in UTC."""
        return datetime.fromisoformat(self.moment)

    @property
    def head(self) -> Head:
        """Return this revision's place in its chain."""
        return Head(self.stream, self.number, self.digest)


def successor(entry: Entry, text: str, last: Head | None, moment: str) -> Revision:
    """Return the revision that `entry`, whose canonical body is `text`, becomes after the stream's `last` one."""
    number, prev = (last.number + 1, last.digest) if last else (1, GENESIS)
    digest = digest_of(entry.stream, number, entry.key, entry.kind, text, entry.actor, moment, prev)
    return Revision(entry.stream, number, entry.key, entry.kind, text, entry.actor, moment, prev, digest)


def digest_of(stream: str, number: int, key: str, kind: str, text: str, actor: str, moment: str, prev: str) -> str:
    """Return the SHA-256 hex over a revision's canonical header, which holds the SHA-256 of its body's text."""
    header = {
        "actor": actor,
        "body": canon.sha256_hex(text.encode()),
        "key": key,
        "kind": kind,
        "number": number,
        "prev": prev,
        "recorded_at": moment,
        "stream": stream,
    }
    return canon.sig_hash(header)


def is_intact(revision: Revision) -> bool:
    """Return whether a stored revision's digest is that of its own content."""
    stored = (revision.stream, revision.number, revision.key, revision.kind, revision.text, revision.actor)
    try:
        return digest_of(*stored, revision.moment, revision.prev) == revision.digest
    except (CanonError, UnicodeError, AttributeError):
        return False


def intact(revision: Revision) -> Revision:
    """Return the revision; LedgerDamaged when its content is not what its digest says."""
    if not is_intact(revision):
        message = f"revision {revision.number} of {revision.stream} is not what was recorded"
        raise LedgerDamaged(message, hint="`distill ledger verify` says what else is; restore the database from a copy")
    return revision


def canonical_body(entry: Entry) -> str:
    """Return the canonical text of an entry that may be recorded; EntryRefused for any other."""
    for name in ("stream", "key", "kind", "actor"):
        _check_text(entry, name, getattr(entry, name))
    check_stream(entry.stream)
    if not _KIND.fullmatch(entry.kind):
        raise _refused(entry, "its kind is not a lower-case name")
    if not isinstance(entry.body, dict):
        raise _refused(entry, "its body is not a JSON object")
    _refuse_what_json_cannot_hold(entry, entry.body, 0)
    try:
        text = canon.dumps(entry.body)
    except CanonError as error:
        raise _refused(entry, error.message) from None
    if len(text) > MAX_BODY_BYTES:
        hint = "Keep large content in the lake and record its SHA-256"
        raise _refused(entry, f"its body has {len(text)} bytes and {MAX_BODY_BYTES} are allowed", hint)
    return text.decode()


def stamp(moment: datetime) -> str:
    """Return a moment as it is recorded: UTC, with microseconds, always the same width."""
    if moment.tzinfo is None:
        raise LedgerError("the ledger's clock gives times without a zone", hint="Give it one that knows UTC")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _check_text(entry: Entry, name: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip() or len(text) > _MAX_TEXT or not text.isprintable():
        raise _refused(entry, f"its {name} is not 1 to {_MAX_TEXT} printable characters")


def _refuse_what_json_cannot_hold(entry: Entry, value: Any, depth: int) -> None:
    """Refuse what would be written as something else: NaN as null, a date or a dataclass as if it were JSON."""
    if depth > _MAX_DEPTH:
        raise _refused(entry, f"its body is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(entry, f"its body holds {value}", "Record null for what is not known")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_what_json_cannot_hold(entry, item, depth + 1)
    elif value is not None and not isinstance(value, str | int | float):
        raise _refused(entry, f"its body holds a {type(value).__name__}", "Make it JSON first")


def _refused(entry: Entry, why: str, hint: str = "") -> EntryRefused:
    return EntryRefused(f"an entry of {entry.stream} with key {ascii(entry.key)[:80]} is refused: {why}", hint=hint)
