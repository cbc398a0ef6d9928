"""Journals: files of JSON lines that any number of processes append to, and that a crash can cost one line at most."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, LakeError
from distill_platform.store.lake.atomic import disk_errors

_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class JournalLines:
    """What a journal holds, in order; `unreadable` counts lines that a crash cut off, or that are not JSON objects."""

    values: tuple[dict[str, Any], ...] = ()
    unreadable: int = 0


class Journal:
    """An open journal that nobody else has open for writing."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file

    def last(self) -> dict[str, Any] | None:
        """Return the last readable line; None where there is none. See `last_of_journal`."""
        return _last(self._file)

    def append(self, value: Mapping[str, Any]) -> None:
        """Append one line with one write, and sync it; what a crash left of a line before stays a line of its own."""
        size = os.fstat(self._file).st_size
        is_torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
        line = (b"\n" if is_torn else b"") + canon.dumps(dict(value)) + b"\n"
        if os.write(self._file, line) != len(line):
            raise LakeError(f"{self._path} could not be written whole", hint="Free space and run again")
        os.fsync(self._file)


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Yield the journal at `path`, made if it is missing, for this caller alone; LakeError when the disk refuses."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield Journal(path, file)
        finally:
            os.close(file)


def read_journal(path: Path) -> JournalLines:
    """Return what the journal at `path` holds; nothing when there is none."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return _parsed(file.read())
    except FileNotFoundError:
        return JournalLines()


def last_of_journal(path: Path) -> dict[str, Any] | None:
    """Return the last readable line of the journal at `path`, None where there is none.

    Only the end of the file is read, so lines must be shorter than 64 KiB together with what a crash left after them.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return _last(file.fileno())
    except FileNotFoundError:
        return None


def _last(file: int) -> dict[str, Any] | None:
    size = os.fstat(file).st_size
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(file, size - start, start)
    whole = tail if start == 0 else tail.partition(b"\n")[2]
    return next(reversed(_parsed(whole).values), None)


def _parsed(content: bytes) -> JournalLines:
    found = [_value(line) for line in content.split(b"\n")[:-1] if line]
    values = tuple(value for value in found if value is not None)
    is_torn = not content.endswith(b"\n") and bool(content)
    return JournalLines(values, len(found) - len(values) + is_torn)


def _value(line: bytes) -> dict[str, Any] | None:
    try:
        value = canon.parse(line)
    except CanonError:
        return None
    return value if isinstance(value, dict) else None
