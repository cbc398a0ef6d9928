"""The ledger: streams of revisions that can be appended to and read, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Select, func, insert, select

from distill_platform.store.ledger.anchors import Anchors
from distill_platform.store.ledger.backend import Backend
from distill_platform.store.ledger.chain import Key, extend, linked
from distill_platform.store.ledger.revision import Entry, Head, Revision, canonical_body, intact, stamp
from distill_platform.store.ledger.schema import from_row, revision_table as table, to_row
from distill_platform.store.ledger.streams import check_stream
from distill_platform.store.ledger.verification import Finding, verify

_KEYS_PER_QUERY = 500
_ROWS_PER_FETCH = 1000
_BEYOND = "\x7f"  # sorts after every character that a stream's name may have


class Ledger:
    """An open ledger; threads may share it, processes open their own.

    Whatever is returned has been checked against its digest. Everything raises LedgerUnavailable when the database
    does not answer, and LedgerDamaged when it holds something else than was recorded.
    """

    def __init__(self, backend: Backend, clock: Callable[[], datetime], anchors: Anchors | None) -> None:
        self._backend = backend
        self._clock = clock
        self._anchors = anchors

    def append(self, entry: Entry) -> Revision:
        """Return the revision that `entry` became, now or when it was recorded before; see `append_all`."""
        return self.append_all([entry])[0]

    def append_all(self, entries: Iterable[Entry]) -> list[Revision]:
        """Return one revision per entry, in order, of any number of streams: all are recorded, or none is.

        An entry whose key was recorded before gives the old revision. Raises LedgerConflict when that one has another
        kind or body, and EntryRefused for what may not be recorded. What was returned is on disk, and anchored.
        """
        written = [(entry, canonical_body(entry)) for entry in entries]
        if not written:
            return []
        if self._anchors:
            self._anchors.catch_up()
        streams = sorted({entry.stream for entry, _ in written})
        with self._backend.writing() as connection:
            self._backend.lock(connection, streams)
            moment = stamp(self._clock())
            taken = _taken(connection, [entry for entry, _ in written])
            extension = extend(written, _heads_of(connection, streams), taken, moment)
            if extension.new:
                connection.execute(insert(table), [to_row(new) for new in extension.new])
        self._anchor(extension.revisions, moment)
        return extension.revisions

    def read(self, stream: str, after: int = 0) -> list[Revision]:
        """Return the revisions of a stream with numbers above `after`, in order; none for a stream nobody wrote to.

        Numbers have no gaps, and a number that was seen is never followed by a lower one: a reader that remembers the
        last number it saw misses nothing.
        """
        check_stream(stream)
        query = select(table).where(table.c.stream == stream, table.c.number > after)
        with self._backend.reading() as connection:
            return linked(map(from_row, connection.execute(query.order_by(table.c.number))), after)

    def latest(self, stream: str) -> Revision | None:
        """Return the last revision of a stream, None where there is none."""
        check_stream(stream)
        with self._backend.reading() as connection:
            return _one(connection, _latest(stream))

    def find(self, stream: str, key: str) -> Revision | None:
        """Return the revision that was recorded under `key`, None where there is none."""
        check_stream(stream)
        with self._backend.reading() as connection:
            return _one(connection, select(table).where(table.c.stream == stream, table.c.key == key))

    def streams(self, prefix: str = "") -> list[str]:
        """Return the names of all streams that begin with `prefix`, sorted."""
        query = select(table.c.stream).distinct().where(table.c.stream.between(prefix, prefix + _BEYOND))
        with self._backend.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def latest_of(self, prefix: str) -> list[Revision]:
        """Return the last revision of every stream whose name begins with `prefix`, sorted by stream."""
        ends = select(table.c.stream, func.max(table.c.number).label("number"))
        ends = ends.where(table.c.stream.between(prefix, prefix + _BEYOND)).group_by(table.c.stream)
        last = ends.subquery()
        same = (table.c.stream == last.c.stream) & (table.c.number == last.c.number)
        with self._backend.reading() as connection:
            rows = connection.execute(select(table).join(last, same))
            return sorted((intact(from_row(row)) for row in rows), key=lambda found: found.stream)

    def heads(self) -> list[Head]:
        """Return the head of every stream, sorted by stream; the numbers add up to that of all revisions."""
        last = select(table.c.stream, func.max(table.c.number).label("number")).group_by(table.c.stream)
        ends = last.subquery()
        same = (table.c.stream == ends.c.stream) & (table.c.number == ends.c.number)
        query = select(table.c.stream, table.c.number, table.c.digest).join(ends, same)
        with self._backend.reading() as connection:
            return sorted((Head(*row) for row in connection.execute(query)), key=lambda head: head.stream)

    def verify(self, anchors: Path | None = None) -> list[Finding]:
        """Return all that is wrong with guards, chains and anchors; empty when everything holds.

        `anchors` is another file of anchors than the ledger's own, for instance a copy that was kept elsewhere.
        """
        return verify(self._backend, Anchors(anchors) if anchors else self._anchors).findings

    def closed_days(self) -> list[date]:
        """Return the UTC days before today, by the ledger's clock, on which something was recorded, sorted.

        Nothing that is recorded from now on can have been recorded on one of them, as long as no clock is set back.
        """
        with self._backend.writing() as connection:
            self._backend.lock_all(connection)
            today = self._clock().astimezone(UTC).date()
        day = func.substr(table.c.recorded_at, 1, 10)
        with self._backend.reading() as connection:
            days = connection.execute(select(day).distinct().where(day < today.isoformat()).order_by(day))
            return [date.fromisoformat(text) for text in days.scalars()]

    def recorded_on(self, day: date) -> Iterator[Revision]:
        """Yield what was recorded on a UTC day, sorted by stream and number."""
        start, end = day.isoformat(), (day + timedelta(days=1)).isoformat()
        query = select(table).where(table.c.recorded_at >= start, table.c.recorded_at < end)
        with self._backend.reading() as connection:
            sorted_rows = query.order_by(table.c.stream, table.c.number)
            for row in connection.execute(sorted_rows, execution_options={"yield_per": _ROWS_PER_FETCH}):
                yield intact(from_row(row))

    def close(self) -> None:
        """Give all connections back."""
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _anchor(self, revisions: Sequence[Revision], moment: str) -> None:
        """Anchor what is not anchored yet: also what was recorded by a process that died before it could."""
        if self._anchors is None:
            return
        heads = {recorded.stream: recorded.head for recorded in sorted(revisions, key=lambda one: one.number)}
        missing = [head for head in heads.values() if not self._anchors.covers(head)]
        if missing:
            self._anchors.add(self.heads() if self._anchors.is_empty else missing, moment)


def _latest(stream: str) -> Select[Any]:
    return select(table).where(table.c.stream == stream).order_by(table.c.number.desc()).limit(1)


def _one(connection: Connection, query: Select[Any]) -> Revision | None:
    row = connection.execute(query).first()
    return intact(from_row(row)) if row else None


def _heads_of(connection: Connection, streams: Iterable[str]) -> dict[str, Head]:
    found = (_one(connection, _latest(stream)) for stream in streams)
    return {last.stream: last.head for last in found if last}


def _taken(connection: Connection, entries: Iterable[Entry]) -> dict[Key, Revision]:
    """Return the revisions that were recorded before under the keys of these entries."""
    keys: dict[str, set[str]] = {}
    for entry in entries:
        keys.setdefault(entry.stream, set()).add(entry.key)
    found = (row for stream, wanted in keys.items() for row in _under(connection, stream, sorted(wanted)))
    return {(recorded.stream, recorded.key): recorded for recorded in found}


def _under(connection: Connection, stream: str, keys: Sequence[str]) -> Iterator[Revision]:
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        among = table.c.key.in_(keys[start : start + _KEYS_PER_QUERY])
        for row in connection.execute(select(table).where(table.c.stream == stream, among)):
            yield intact(from_row(row))
