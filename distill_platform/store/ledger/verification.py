"""Verification: every revision read again, against its digest, its chain, and the anchors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, LedgerDamaged, LedgerUnguarded
from distill_platform.store.ledger.anchors import Anchors
from distill_platform.store.ledger.backend import Backend
from distill_platform.store.ledger.revision import GENESIS, Head, Revision, is_intact
from distill_platform.store.ledger.schema import VERSION, from_row, revision_table

_ROWS_PER_FETCH = 1000


class Flaw(StrEnum):
    """What can be wrong with a ledger."""

    UNGUARDED = "unguarded"  # the database no longer refuses changes
    DATABASE = "database"  # the database's own check found something
    CHANGED = "changed"  # a revision is not what its digest says
    MISSING = "missing"  # numbers are left out
    BROKEN_LINK = "broken_link"  # a revision was chained to something else
    NOT_CANONICAL = "not_canonical"  # a body's text is not in the form in which bodies are recorded
    CUT_OFF = "cut_off"  # an anchored revision is gone, and perhaps what followed it
    LOST_STREAM = "lost_stream"  # an anchored stream is gone
    OTHER_HEAD = "other_head"  # an anchored revision has another digest now
    ANCHORS = "anchors"  # the anchors themselves cannot be trusted


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where it is, and in words. `number` is 0 where no single revision is meant."""

    flaw: Flaw
    stream: str
    number: int
    message: str


@dataclass
class Verification:
    """What reading a ledger again came to; it holds when nothing was found."""

    streams: int = 0
    revisions: int = 0
    anchors: int = 0  # lines
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Return whether everything is what was recorded."""
        return not self.findings


def verify(backend: Backend, anchors: Anchors | None) -> Verification:
    """Return all that is wrong with a database and its anchors; nothing is changed, and nothing is made."""
    anchored = AnchoredHeads.read(anchors)  # before the revisions: whatever is anchored by now must be among them
    found = Verification(anchors=anchored.lines, findings=list(anchored.flaws))
    try:
        for finding in _check_database(backend, anchored, found):
            found.findings.append(finding)
    except LedgerDamaged as error:
        found.findings.append(Finding(Flaw.DATABASE, "", 0, error.message))
    except LedgerUnguarded as error:
        found.findings.append(Finding(Flaw.UNGUARDED, "", 0, error.message))
    if anchors and not anchored.lines and found.revisions:
        found.findings.append(Finding(Flaw.ANCHORS, "", 0, "there are revisions, and not one anchor"))
    return found


def _check_database(backend: Backend, anchored: AnchoredHeads, found: Verification) -> Iterator[Finding]:
    version = backend.version()
    if version is None:
        yield from anchored.lost()
        return
    if version != VERSION:
        yield Finding(Flaw.UNGUARDED, "", 0, f"its schema has version {version}, this program knows {VERSION}")
    with backend.reading() as connection:
        yield from (Finding(Flaw.UNGUARDED, "", 0, line) for line in backend.unguarded(connection))
        yield from (Finding(Flaw.DATABASE, "", 0, line) for line in backend.flaws(connection))
        query = select(revision_table).order_by(revision_table.c.stream, revision_table.c.number)
        rows = connection.execute(query, execution_options={"yield_per": _ROWS_PER_FETCH})
        yield from _check_chains(map(from_row, rows), anchored, found)


def _check_chains(revisions: Iterable[Revision], anchored: AnchoredHeads, found: Verification) -> Iterator[Finding]:
    """Yield what is wrong with revisions, which come sorted by stream and number, and count them."""
    last = Head("", 0, GENESIS)
    for revision in revisions:
        if revision.stream != last.stream:
            last = Head(revision.stream, 0, GENESIS)
            found.streams += 1
        found.revisions += 1
        yield from _check(revision, last)
        yield from anchored.check(revision)
        last = revision.head
    yield from anchored.lost()


def _check(revision: Revision, last: Head) -> Iterator[Finding]:
    place = (revision.stream, revision.number)
    if revision.number != last.number + 1:
        message = f"revisions {last.number + 1} to {revision.number - 1} are missing"
        yield Finding(Flaw.MISSING, revision.stream, last.number + 1, message)
    elif revision.prev != last.digest:
        yield Finding(Flaw.BROKEN_LINK, *place, "it does not follow the revision before it")
    if not is_intact(revision):
        yield Finding(Flaw.CHANGED, *place, "it is not what was recorded: its digest does not fit")
    elif not _is_canonical(revision):
        yield Finding(Flaw.NOT_CANONICAL, *place, "its body or time is not in the form in which they are recorded")


def _is_canonical(revision: Revision) -> bool:
    try:
        return canon.dumps(revision.body).decode() == revision.text and revision.recorded_at.tzinfo is not None
    except (CanonError, ValueError):
        return False


class AnchoredHeads:
    """What the anchors say, compared with revisions as they come by."""

    def __init__(self) -> None:
        self._digests: dict[tuple[str, int], str] = {}
        self._streams: set[str] = set()
        self.lines = 0
        self.flaws: list[Finding] = []

    @classmethod
    def read(cls, anchors: Anchors | None) -> AnchoredHeads:
        """Return what the file of anchors holds, up to the first line that cannot be trusted."""
        found = cls()
        try:
            for line in anchors.lines() if anchors else ():
                found.lines = line.number
                found._note(line.heads)
        except LedgerDamaged as error:
            found.flaws.append(Finding(Flaw.ANCHORS, "", 0, error.message))
        return found

    def check(self, revision: Revision) -> Iterator[Finding]:
        """Yield a finding when the revision was anchored with another digest."""
        self._streams.discard(revision.stream)
        if self._digests.pop((revision.stream, revision.number), revision.digest) != revision.digest:
            message = "it was anchored with another digest: history was written anew"
            yield Finding(Flaw.OTHER_HEAD, revision.stream, revision.number, message)

    def lost(self) -> Iterator[Finding]:
        """Yield what was anchored and did not come by: the first lost revision of each stream."""
        first: dict[str, int] = {}
        for stream, number in self._digests:
            first[stream] = min(number, first.get(stream, number))
        for stream, number in sorted(first.items()):
            gone = stream in self._streams
            message = "the whole stream is gone" if gone else f"revision {number}, which was anchored, is gone"
            yield Finding(Flaw.LOST_STREAM if gone else Flaw.CUT_OFF, stream, number, message)

    def _note(self, heads: Iterable[Head]) -> None:
        for head in heads:
            known = self._digests.setdefault((head.stream, head.number), head.digest)
            self._streams.add(head.stream)
            if known != head.digest:
                message = f"revision {head.number} was anchored twice, with different digests"
                self.flaws.append(Finding(Flaw.ANCHORS, head.stream, head.number, message))
