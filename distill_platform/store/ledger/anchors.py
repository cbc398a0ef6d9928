"""Anchors: the heads of streams, kept in a file outside the database.

A chain shows a changed revision, but not that its last ones were cut off, nor that all of it was written anew. A head
that was noted down elsewhere does. One line per transaction, appended, synced, and itself chained to the line before.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, LedgerDamaged, LedgerUnavailable
from distill_platform.store.ledger.revision import GENESIS, Head

_RESTORE = "Restore it from a copy, then run `distill ledger verify`; keep the damaged one"


@dataclass(frozen=True)
class AnchorLine:
    """One line: the heads that streams had after one transaction."""

    number: int
    heads: tuple[Head, ...]
    digest: str


class Anchors:
    """A file of anchors; any number of processes may append to it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._seen: dict[str, int] = {}  # stream: the highest number that is anchored, as far as the file was read
        self._last = AnchorLine(0, (), GENESIS)
        self._read_to = 0
        self._lock = Lock()

    def add(self, heads: Iterable[Head], moment: str) -> None:
        """Append one line with these heads; it is on disk when this returns.

        What a crash left of a half-written last line is cut off first. Raises LedgerDamaged when lines were changed,
        and LedgerUnavailable when the disk refuses; the revisions themselves are recorded by then.
        """
        with self._lock, self._opened() as file:
            _cut_torn_line(file)
            self._follow(file)
            line = _line(self._last.number + 1, heads, moment, self._last.digest)
            if os.write(file, line) != len(line):
                raise LedgerUnavailable(f"{self.file} could not be written whole", hint="Free space and append again")
            os.fsync(file)
            self._follow(file)

    def catch_up(self) -> None:
        """Take in what others have added, and so find out before anything is recorded whether it can be anchored.

        Raises LedgerDamaged when lines were changed or taken away, and LedgerUnavailable when the disk refuses.
        """
        with self._lock, self._opened() as file:
            self._follow(file)

    def covers(self, head: Head) -> bool:
        """Return whether this head of a stream, or a later one, is known to be anchored."""
        return self._seen.get(head.stream, 0) >= head.number

    @property
    def is_empty(self) -> bool:
        """Return whether no line is known."""
        return self._last.number == 0

    def lines(self) -> Iterator[AnchorLine]:
        """Yield all lines of the file, which may be missing; LedgerDamaged at the first that was changed."""
        if self.file.is_file():
            with self._opened(os.O_RDONLY) as file:
                yield from self._complete(file, 0, AnchorLine(0, (), GENESIS))

    @contextmanager
    def _opened(self, mode: int = os.O_RDWR | os.O_CREAT | os.O_APPEND) -> Iterator[int]:
        """Open the file for this process alone."""
        try:
            if mode & os.O_CREAT:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.file, mode, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)
        except OSError as error:
            hint = "Mend it and append the same entry again: it is anchored then"
            raise LedgerUnavailable(f"{self.file}: {error.strerror or error}", hint=hint) from error

    def _follow(self, file: int) -> None:
        """Take in the lines that were added since this object last looked."""
        if os.fstat(file).st_size < self._read_to:
            raise LedgerDamaged(f"{self.file} is shorter than it was", hint=_RESTORE)
        for line in self._complete(file, self._read_to, self._last):
            self._last = line
            self._seen.update({head.stream: max(head.number, self._seen.get(head.stream, 0)) for head in line.heads})
        self._read_to = _end_of_lines(file)

    def _complete(self, file: int, start: int, last: AnchorLine) -> Iterator[AnchorLine]:
        """Yield the complete lines from `start`, each checked against the one before; a torn last one is none."""
        with os.fdopen(os.dup(file), "rb") as reader:
            reader.seek(start)
            for raw in reader:
                if raw.endswith(b"\n"):
                    last = self._checked(raw, last)
                    yield last

    def _checked(self, raw: bytes, last: AnchorLine) -> AnchorLine:
        try:
            line: dict[str, Any] = canon.parse(raw[:-1])
            digest = line.pop("digest")
            heads = tuple(Head(stream, number, head) for stream, (number, head) in sorted(line["heads"].items()))
            holds = (line["number"], line["prev"], digest) == (last.number + 1, last.digest, canon.sig_hash(line))
        except (CanonError, KeyError, TypeError, ValueError, AttributeError):
            holds = False
        if not holds:
            raise LedgerDamaged(f"{self.file}: line {last.number + 1} is not what was written", hint=_RESTORE)
        return AnchorLine(last.number + 1, heads, digest)


def _line(number: int, heads: Iterable[Head], moment: str, prev: str) -> bytes:
    named = {head.stream: [head.number, head.digest] for head in heads}
    line = {"at": moment, "heads": named, "number": number, "prev": prev}
    return canon.dumps(line | {"digest": canon.sig_hash(line)}) + b"\n"


def _cut_torn_line(file: int) -> None:
    end = _end_of_lines(file)
    if end != os.fstat(file).st_size:
        os.ftruncate(file, end)


def _end_of_lines(file: int) -> int:
    """Return where the last complete line ends."""
    end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - 65_536)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
