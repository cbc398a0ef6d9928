"""Ingestion of one chunk: lines become records or quarantined rows, sorted and spilled to disk by day."""

from __future__ import annotations

import gc
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.core.utc import EARLIEST
from distill_platform.refinery.columns import ColumnMapper, Columns, Values, microseconds
from distill_platform.refinery.lines import Batch, Line, read_batches
from distill_platform.refinery.mapping import Mapped, Mapper, Refused
from distill_platform.refinery.runs import (
    MAPPED,
    Dropped,
    Run,
    Source,
    Sources,
    by_day,
    dropped_batch,
    record_batch,
    write_runs,
)
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import CHUNK_BYTES, Chunk
from distill_platform.refinery.streams import cached_stream

UNDATED = "undated"
_KEPT_ROW_BYTES = 65_536
_HELD_LINES = 65_536
_DAY = 86_400 * 10**6  # in microseconds
Transform = Callable[[dict[str, Any]], Iterable[Any]]


@dataclass(frozen=True)
class IngestTask:
    """What a worker needs to ingest one chunk: picklable, nothing open."""

    chunk: Chunk
    stream_file: Path
    limits: IngestSettings
    days: frozenset[str]
    today: date
    spill: Path


@dataclass(frozen=True)
class Ingested:
    """What came of one chunk: its sorted runs, its number of lines, and how many lines belong to other days only."""

    records: tuple[Run, ...]
    quarantine: tuple[Run, ...]
    lines: int
    elsewhere: int


def ingest_chunk(task: IngestTask) -> Ingested:
    """Return where the rows of one chunk went; the rows themselves lie sorted in the task's spill files."""
    with _collector_paused():
        return _ingested(task)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Hold off the garbage collector: a chunk makes millions of objects and no cycles, and it would walk them all."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _ingested(task: IngestTask) -> Ingested:
    sink = _Sink(task, _reading(task.stream_file, task.stream_file.read_bytes()))
    total = 0
    for batch in read_batches(task.chunk, task.limits):
        sink.take(batch)
        total = batch.total
    return sink.close(total)


class _Reading(NamedTuple):
    """How the rows of one stream are read; built once per process."""

    mapper: Mapper
    columns: ColumnMapper
    transform: Transform | None


@lru_cache(maxsize=64)
def _reading(file: Path, _content: bytes) -> _Reading:
    stream = cached_stream(file)
    return _Reading(Mapper(stream), ColumnMapper(stream), stream.transform)


class Outcome(NamedTuple):
    """What one record of a line turned out to be: mapped, or refused with a reason."""

    found: Mapped | CanonError | Refused
    sig_hash: str | None


def outcomes(line: Line, mapper: Mapper, transform: Transform | None) -> list[Outcome]:
    """Return, for every record that the line holds, either what it maps to or why it is refused."""
    if line.refused:
        return [Outcome(Refused(line.refused, line.detail), None)]
    rows, sig, refused = _opened(line.raw, transform)
    return [Outcome(refused, sig)] if refused is not None else [Outcome(_mapped(mapper, row), sig) for row in rows]


def _mapped(mapper: Mapper, row: Any) -> Mapped | Refused:
    try:
        return mapper.map(row)
    except Refused as error:
        return error


def _opened(raw: bytes, transform: Transform | None) -> tuple[Sequence[Any], str | None, CanonError | Refused | None]:
    """Return the records that a line holds and its sig_hash, or why it holds none."""
    try:
        row = canon.parse(raw)
        sig = canon.sig_hash(row)
    except CanonError as error:
        return (), None, error
    if transform is None:
        return (row,), sig, None
    try:
        parts = list(transform(row))
    except Exception as error:  # noqa: BLE001 - the hook is foreign code, and one bad row must not stop the others
        return (), sig, Refused("schema_violation", f"transform failed: {type(error).__name__}: {error}")
    return parts, sig, None if parts else Refused("empty_content", "transform gave no record")


def evidence_id(mapped: Mapped, sig: str) -> str:
    """Return the id of a record: a hash of its content and its source row's sig_hash, not of where that row lay."""
    fields = {name: [value] for name, value in mapped.fields.items()}
    return _ids([sig], [microseconds(mapped.moment)], _as_text(fields))[0]


def _ids(sigs: Sequence[str | None], moments: list[int], fields: Mapping[str, Values]) -> list[str]:
    """Return the ids of records; every field has its place in what is hashed, so no two contents are written alike."""
    columns = [fields.get(name) or repeat(None) for name in MAPPED]
    dumps, sha256 = canon.dumps, hashlib.sha256
    return [sha256(dumps(content)).hexdigest() for content in zip(sigs, moments, *columns)]  # noqa: B905 - repeat(None)


def _as_text(fields: dict[str, Values]) -> dict[str, Values]:
    """Return the fields as the table holds them: groups of values are canonical JSON."""
    groups = {name: fields[name] for name in ("validation", "metadata") if name in fields}
    dumps = canon.dumps
    return fields | {name: [value and dumps(value).decode() for value in values] for name, values in groups.items()}


class _Sink:
    """Collects rows by day and writes them as sorted runs whenever as much is held as a chunk holds."""

    def __init__(self, task: IngestTask, reading: _Reading) -> None:
        self._task = task
        self._reading = reading
        self._today = task.today.isoformat()
        self._wanted = frozenset(_day_number(date.fromisoformat(day)) for day in task.days if day <= self._today)
        self._records: list[pa.RecordBatch] = []
        self._dropped: defaultdict[str, list[Dropped]] = defaultdict(list)
        self._record_runs: list[Run] = []
        self._dropped_runs: list[Run] = []
        self._elsewhere = 0
        self._held_bytes = self._held_lines = 0
        self._spills = 0

    def take(self, batch: Batch) -> None:
        """Take in every line of a batch: as records, as dropped rows, or as one of days that nobody asked for."""
        placed: set[int] = set()
        for line in batch.refused:
            source = Source(line.number, line.sha256 or canon.sha256_hex(line.raw), None, line.raw)
            placed.update(self._drop(Refused(line.refused, line.detail), source))
        rows: list[Any] = []
        at: list[int] = []
        sigs: list[str | None] = []
        sources = Sources(batch.numbers, list(map(canon.sha256_hex, batch.raw)), sigs, batch.raw)
        for index, raw in enumerate(batch.raw):
            found, sig, refused = _opened(raw, self._reading.transform)
            sigs.append(sig)
            if refused is not None:
                placed.update(self._drop(refused, sources.one(index)))
            rows += found
            at += [index] * len(found)
        placed.update(self._map(rows, sources.pick(at)))
        self._elsewhere += len(batch.raw) + len(batch.refused) - len(placed)
        self._count(batch)

    def _map(self, rows: list[Any], sources: Sources) -> Iterator[int]:
        """Place rows as records or dropped ones; yield the lines of those placed."""
        columns = self._reading.columns.map(rows)
        for number in sorted({*range(len(rows))}.difference(columns.kept)):
            refused = _mapped(self._reading.mapper, rows[number])
            if isinstance(refused, Refused):
                yield from self._drop(refused, sources.one(number))
        yield from self._place(columns, sources.pick(columns.kept))

    def _place(self, columns: Columns, sources: Sources) -> Iterator[int]:
        """Take the records of the wanted days, and drop those of days to come."""
        days = columns.moments // _DAY
        if self._wanted.issuperset(np.unique(days).tolist()):
            yield from self._record(columns, sources)
            return
        for number in np.flatnonzero(days > _day_number(self._task.today)).tolist():
            moment = EARLIEST + timedelta(microseconds=int(columns.moments[number]))
            detail = f"dated {moment.isoformat()}, after the day of the run"
            yield from self._drop(Refused("future_timestamp", detail), sources.one(number))
        wanted = np.flatnonzero(np.isin(days, list(self._wanted))).tolist()
        yield from self._record(columns.pick(wanted), sources.pick(wanted))

    def _record(self, columns: Columns, sources: Sources) -> Iterator[int]:
        if not columns.kept:
            return
        try:
            fields = _as_text(columns.fields)
            ids = _ids(sources.sig_hash, columns.moments.tolist(), fields)
        except CanonError as error:
            if len(columns.kept) == 1:
                yield from self._drop(error, sources.one(0))
                return
            half = len(columns.kept) // 2
            for part in (range(half), range(half, len(columns.kept))):
                yield from self._record(columns.pick(part), sources.pick(part))
            return
        self._records.append(record_batch(ids, columns.moments, fields, sources, self._task.chunk.file.name))
        yield from sources.line

    def _drop(self, refused: CanonError | Refused, source: Source) -> Iterator[int]:
        day = _day_of(refused, self._today)
        if day != UNDATED and day not in self._task.days:
            return
        detail = refused.message[:500].encode("utf-8", "replace").decode()
        if len(source.raw) > _KEPT_ROW_BYTES:
            detail += f" (the first {_KEPT_ROW_BYTES} of {len(source.raw)} bytes are kept)"
        kept = source.raw[:_KEPT_ROW_BYTES]
        row = Dropped(source.raw_sha256, source.line, refused.reason, detail, kept, source.sig_hash)
        self._dropped[day].append(row)
        yield source.line

    def _count(self, batch: Batch) -> None:
        """Write what is held once it is as much as a chunk holds."""
        self._held_bytes += sum(map(len, batch.raw)) + sum(len(line.raw) for line in batch.refused)
        self._held_lines += len(batch.raw) + len(batch.refused)
        if self._held_bytes >= CHUNK_BYTES or self._held_lines >= _HELD_LINES:
            self._spill()

    def _spill(self) -> None:
        """Write what is held as sorted runs, one record batch a day."""
        file, spill = self._task.chunk.file, self._task.spill
        dropped = {day: dropped_batch(rows, file) for day, rows in self._dropped.items()}
        name = f"{spill.name}-{self._spills:04d}"
        self._record_runs += write_runs(spill.with_name(f"{name}.records.arrow"), by_day(self._records))
        self._dropped_runs += write_runs(spill.with_name(f"{name}.quarantine.arrow"), dropped)
        self._records.clear()
        self._dropped.clear()
        self._held_bytes = self._held_lines = 0
        self._spills += 1

    def close(self, lines: int) -> Ingested:
        """Return where everything went, written to the last row."""
        self._spill()
        return Ingested(tuple(self._record_runs), tuple(self._dropped_runs), lines, self._elsewhere)


def _day_number(day: date) -> int:
    return (day - EARLIEST.date()).days


def _day_of(refused: CanonError | Refused, today: str) -> str:
    moment = refused.moment if isinstance(refused, Refused) else None
    day = moment.date().isoformat() if moment is not None else UNDATED
    return day if day <= today else UNDATED
