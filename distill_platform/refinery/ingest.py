"""Ingestion of one chunk: lines become records or quarantined rows, sorted and spilled to disk by day."""

from __future__ import annotations

import gc
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.refinery.lines import Line, read_batches
from distill_platform.refinery.mapping import Mapped, Mapper, Refused
from distill_platform.refinery.quarantine import dropped_table
from distill_platform.refinery.schemas import EVIDENCE, provenance_array
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import Chunk, SourceFile
from distill_platform.refinery.streams import cached_stream
from distill_platform.store.lake.atomic import disk_errors

UNDATED = "undated"
SCHEMA_VERSION = 1
SKIPS = frozenset({"missing_timestamp"})
_KEPT_ROW_BYTES = 65_536


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
class Run:
    """A sorted run of rows of one day: record batch `index` of the spill file `path`."""

    path: Path
    index: int
    day: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Ingested:
    """What came of one chunk: its sorted runs, its number of lines, and how many lines belong to other days only."""

    records: tuple[Run, ...]
    quarantine: tuple[Run, ...]
    lines: int
    elsewhere: int


class Record(NamedTuple):
    """One evidence record on its way to disk; `order` is the tie-break among equal records."""

    evidence_id: str
    raw_sha256: str
    line: int
    sig_hash: str
    moment: datetime
    fields: dict[str, Any]


class Dropped(NamedTuple):
    """One row that does not become evidence."""

    raw_sha256: str
    line: int
    reason: str
    detail: str
    row: bytes
    sig_hash: str | None


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
    mapper, transform = _mapper(task.stream_file, task.stream_file.read_bytes())
    sink = _Sink(task)
    total = 0
    for batch in read_batches(task.chunk, task.limits):
        for line in batch.lines:
            sink.take(line, outcomes(line, mapper, transform))
        sink.spill()
        total = batch.total
    return sink.close(total)


@lru_cache(maxsize=64)
def _mapper(file: Path, _content: bytes) -> tuple[Mapper, Any]:
    stream = cached_stream(file)
    return Mapper(stream), stream.transform


class Outcome(NamedTuple):
    """What one record of a line turned out to be: mapped, or refused with a reason."""

    found: Mapped | CanonError | Refused
    sig_hash: str | None


def outcomes(line: Line, mapper: Mapper, transform: Any) -> list[Outcome]:
    """Return, for every record that the line holds, either what it maps to or why it is refused."""
    if line.refused:
        return [Outcome(Refused(line.refused, line.detail), None)]
    try:
        row = canon.parse(line.raw)
        sig = canon.sig_hash(row)
    except CanonError as error:
        return [Outcome(error, None)]
    if transform is None:
        return [_mapped(mapper, row, sig)]
    try:
        parts = list(transform(row))
    except Exception as error:  # noqa: BLE001 - the hook is foreign code, and one bad row must not stop the others
        return [Outcome(Refused("schema_violation", f"transform failed: {type(error).__name__}: {error}"), sig)]
    if not parts:
        return [Outcome(Refused("empty_content", "transform gave no record"), sig)]
    return [_mapped(mapper, part, sig) for part in parts]


def _mapped(mapper: Mapper, row: Any, sig: str) -> Outcome:
    try:
        return Outcome(mapper.map(row), sig)
    except Refused as error:
        return Outcome(error, sig)


def evidence_id(mapped: Mapped, sig: str) -> str:
    """Return the id of a record: a hash of its content and its source row's sig_hash, not of where that row lay."""
    content = {**mapped.fields, "timestamp": mapped.moment.isoformat(), "sig_hash": sig}
    return hashlib.sha256(canon.dumps(content)).hexdigest()


class _Sink:
    """Collects rows by day and writes each batch of them as sorted runs."""

    def __init__(self, task: IngestTask) -> None:
        self._task = task
        self._today = task.today.isoformat()
        self._records: defaultdict[str, list[Record]] = defaultdict(list)
        self._dropped: defaultdict[str, list[Dropped]] = defaultdict(list)
        self._record_runs: list[Run] = []
        self._dropped_runs: list[Run] = []
        self._elsewhere = 0
        self._spills = 0

    def take(self, line: Line, outcomes: Iterable[Outcome]) -> None:
        raw = line.sha256 or hashlib.sha256(line.raw).hexdigest()
        placed = False
        for outcome in outcomes:
            if isinstance(outcome.found, Mapped):
                placed |= self._record(outcome.found, outcome.sig_hash or "", raw, line)
            else:
                placed |= self._drop(outcome.found, outcome.sig_hash, raw, line)
        self._elsewhere += not placed

    def _record(self, mapped: Mapped, sig: str, raw: str, line: Line) -> bool:
        day = mapped.moment.date().isoformat()
        if day > self._today:
            detail = f"dated {mapped.moment.isoformat()}, after the day of the run"
            return self._drop(Refused("future_timestamp", detail), sig, raw, line)
        if day not in self._task.days:
            return False
        try:
            found = evidence_id(mapped, sig)
        except CanonError as error:
            return self._drop(error, sig, raw, line)
        self._records[day].append(Record(found, raw, line.number, sig, mapped.moment, mapped.fields))
        return True

    def _drop(self, refused: CanonError | Refused, sig: str | None, raw: str, line: Line) -> bool:
        day = _day_of(refused, self._today)
        if day != UNDATED and day not in self._task.days:
            return False
        detail = refused.message[:500].encode("utf-8", "replace").decode()
        if len(line.raw) > _KEPT_ROW_BYTES:
            detail += f" (the first {_KEPT_ROW_BYTES} of {len(line.raw)} bytes are kept)"
        kept = line.raw[:_KEPT_ROW_BYTES]
        self._dropped[day].append(Dropped(raw, line.number, refused.reason, detail, kept, sig))
        return True

    def spill(self) -> None:
        """Write what is held as sorted runs, one record batch a day."""
        file = self._task.chunk.file
        records = {day: _record_batch(sorted(rows, key=_by_id), file.name) for day, rows in self._records.items()}
        dropped = {day: _dropped_batch(sorted(rows, key=_by_hash), file) for day, rows in self._dropped.items()}
        self._record_runs += self._written("records", records)
        self._dropped_runs += self._written("quarantine", dropped)
        self._records.clear()
        self._dropped.clear()
        self._spills += 1

    def _written(self, kind: str, batches: dict[str, pa.RecordBatch]) -> list[Run]:
        if not batches:
            return []
        path = self._task.spill.with_name(f"{self._task.spill.name}-{self._spills:04d}.{kind}.arrow")
        schema = next(iter(batches.values())).schema
        with disk_errors(path), pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches.values():
                writer.write_batch(batch)
        return [
            Run(path, index, day, batch.num_rows, batch.nbytes) for index, (day, batch) in enumerate(batches.items())
        ]

    def close(self, lines: int) -> Ingested:
        return Ingested(tuple(self._record_runs), tuple(self._dropped_runs), lines, self._elsewhere)


_by_id = itemgetter(0)


def _by_hash(dropped: Dropped) -> tuple[str, int, str, str]:
    return dropped[:4]


def _day_of(refused: CanonError | Refused, today: str) -> str:
    moment = refused.moment if isinstance(refused, Refused) else None
    day = moment.date().isoformat() if moment is not None else UNDATED
    return day if day <= today else UNDATED


def _record_batch(records: list[Record], file: str) -> pa.RecordBatch:
    fields = [record.fields for record in records]
    count = len(records)
    given = set().union(*fields)
    columns: dict[str, Any] = {name: [row.get(name) for row in fields] for name in _PLAIN if name in given}
    columns["evidence_id"] = [record.evidence_id for record in records]
    columns["schema_version"] = pa.repeat(pa.scalar(SCHEMA_VERSION, pa.int32()), count)
    columns["timestamp"] = [record.moment for record in records]
    columns["prompt_chars"] = [len(row.get("prompt") or "") for row in fields]
    columns["text_chars"] = [len(row.get("text") or "") for row in fields]
    for name in given & {"validation", "metadata"}:
        columns[name] = [canon.dumps(value).decode() if (value := row.get(name)) else None for row in fields]
    columns["provenance"] = _provenance(file, records)
    arrays = [_array(columns.get(field.name), field, count) for field in EVIDENCE]
    return pa.RecordBatch.from_arrays(arrays, schema=EVIDENCE)


_PLAIN = tuple(
    name
    for name in EVIDENCE.names
    if name
    not in {
        "evidence_id", "schema_version", "timestamp", "prompt_chars", "text_chars", "validation", "metadata",
        "provenance",
    }
)  # fmt: skip


def _array(values: Any, field: pa.Field, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, field.type)
    return values if isinstance(values, pa.Array) else pa.array(values, field.type)


def _provenance(file: str, rows: list[Record] | list[Dropped]) -> pa.StructArray:
    return provenance_array(
        pa.repeat(pa.scalar(file), len(rows)),
        pa.array([row.line for row in rows], pa.int64()),
        pa.array([row.raw_sha256 for row in rows]),
        pa.array([row.sig_hash for row in rows], pa.string()),
        canon.CANON,
    )


def _dropped_batch(rows: list[Dropped], file: SourceFile) -> pa.RecordBatch:
    columns = {
        "stage": "evidence",
        "disposition": pa.array(["skipped" if row.reason in SKIPS else "quarantined" for row in rows]),
        "reason": pa.array([row.reason for row in rows]),
        "detail": pa.array([row.detail for row in rows]),
        "row": pa.array([row.row for row in rows], pa.binary()),
        "source": file.stream,
        "provenance": _provenance(file.name, rows),
    }
    return dropped_table(len(rows), columns).to_batches()[0]
