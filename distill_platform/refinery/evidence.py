"""Evidence: every declared stream's rows of the wanted days, as EvidenceRecords with full provenance.

Memory does not grow with the files: chunks are ingested into sorted runs on disk, then each day is merged range by
range of evidence ids. The result is ordered by evidence id, so it does not depend on files, lines, chunks or workers.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery import witness
from distill_platform.refinery.health import StreamHealth, measure, report
from distill_platform.refinery.ingest import UNDATED, Ingested, IngestTask, ingest_chunk
from distill_platform.refinery.quarantine import dropped_table, quarantine_hashes
from distill_platform.refinery.runs import SKIPS, Run
from distill_platform.refinery.schemas import EVIDENCE, PROVENANCE, QUARANTINE
from distill_platform.refinery.source_files import Chunk, SourceFile, chunks, find_files
from distill_platform.refinery.stage import Refinery, publish
from distill_platform.store.lake import Counts, Draft, Input, Manifest
from distill_platform.store.lake.parts import write_part
from distill_platform.store.lake.publishing import Staged, Written, add_table

RANGE_BYTES = 48 * 2**20
_PLAIN = (
    "evidence_id", "run_id", "prompt", "text", "messages.list.element.content", "validation", "metadata",
    "provenance.line_offset", "provenance.raw_sha256", "provenance.sig_hash", "row", "detail",
)  # fmt: skip


@dataclass(frozen=True)
class Slice:
    """A sorted run with the line number at which its chunk begins in the file."""

    run: Run
    file: str
    first_line: int


@dataclass(frozen=True)
class MergeTask:
    """One range of keys of one day: `low` included, `high` excluded ("" is no bound)."""

    slices: tuple[Slice, ...]
    key: str
    low: str
    high: str
    part: Path
    duplicates: Path | None
    streams: tuple[Path, ...]


@dataclass(frozen=True)
class Merged:
    """A merged range: its rows, those dropped as duplicates, and what a count of it needs."""

    key: str
    rows: Written
    duplicates: Written | None
    raw: bytes
    reasons: Counter[str]
    health: dict[str, StreamHealth]


def build_evidence(refinery: Refinery, days: Sequence[str]) -> list[Manifest]:
    """Return the published manifests of `days` and of the undated rows, which come last.

    Undated rows belong to no day (malformed, without a usable time stamp): every run sees all of them, and keeps them
    in the quarantine of the pseudo-partition `undated`.
    """
    files = {stream.name: find_files(refinery.settings.data, stream.name, stream.config.path)
             for stream in refinery.settings.streams}  # fmt: skip
    with ExitStack() as stack:
        spill = stack.enter_context(refinery.lake.staging())
        ingested = _ingest(refinery, [file for found in files.values() for file in found], frozenset(days), spill)
        drafts = [stack.enter_context(refinery.lake.draft("evidence", day)) for day in (*days, UNDATED)]
        merged = _merge(refinery, drafts, ingested)
        staged = [_stage_day(refinery, draft, ingested, merged[draft.partition], files) for draft in drafts]
        checks = witness.testify(refinery, [stage.draft for stage in staged], ingested.chunks, ingested.elsewhere)
        return [
            publish(refinery.lake, Staged(**{**vars(stage), "checks": checks[stage.draft.partition]}))
            for stage in staged
        ]


@dataclass(frozen=True)
class _Ingestion:
    """All sorted runs by day, and every chunk with the line number at which it begins."""

    records: dict[str, list[Slice]]
    quarantine: dict[str, list[Slice]]
    chunks: list[tuple[Chunk, int]]
    elsewhere: int


def _ingest(refinery: Refinery, files: list[SourceFile], days: frozenset[str], spill: Path) -> _Ingestion:
    origin = {stream.name: stream.file for stream in refinery.settings.streams}
    today = refinery.now.date()
    todo = [chunk for file in files for chunk in chunks(file)]
    tasks = [
        IngestTask(chunk, origin[chunk.file.stream], refinery.settings.config.ingest, days, today, spill / f"{n:06d}")
        for n, chunk in enumerate(todo)
    ]
    results: list[Ingested] = []
    for result in refinery.workers.map(ingest_chunk, tasks):
        results.append(result)
        refinery.progress("evidence: ingest", len(results), len(tasks))
    return _gathered(todo, results)


def _gathered(todo: list[Chunk], results: list[Ingested]) -> _Ingestion:
    records: dict[str, list[Slice]] = defaultdict(list)
    quarantine: dict[str, list[Slice]] = defaultdict(list)
    placed: list[tuple[Chunk, int]] = []
    first_line = 0
    for chunk, result in zip(todo, results, strict=True):
        first_line = 0 if chunk.start == 0 else first_line
        placed.append((chunk, first_line))
        for run in result.records:
            records[run.day].append(Slice(run, chunk.file.name, first_line))
        for run in result.quarantine:
            quarantine[run.day].append(Slice(run, chunk.file.name, first_line))
        first_line += result.lines
    return _Ingestion(records, quarantine, placed, sum(result.elsewhere for result in results))


def _merge(refinery: Refinery, drafts: Sequence[Draft], ingested: _Ingestion) -> dict[str, list[Merged]]:
    """Return the merged ranges of every day: all tasks of all days go to the workers as one sequence."""
    streams = tuple(stream.file for stream in refinery.settings.streams)
    tasks = [
        (draft.partition, task)
        for draft in drafts
        for table, key, slices in (
            ("records", "evidence_id", ingested.records.get(draft.partition, [])),
            ("quarantine", "raw_sha256", ingested.quarantine.get(draft.partition, [])),
        )
        for task in _merge_tasks(draft, table, slices, key, streams)
    ]
    merged: dict[str, list[Merged]] = {draft.partition: [] for draft in drafts}
    readers = Counter(path for _, task in tasks for path in _spills(task))
    results = refinery.workers.map(merge_range, (task for _, task in tasks))
    for done, ((day, task), result) in enumerate(zip(tasks, results, strict=True), start=1):
        merged[day].append(result)
        _remove_read(task, readers)
        refinery.progress("evidence: merge", done, len(tasks))
    return merged


def _spills(task: MergeTask) -> set[Path]:
    return {piece.run.path for piece in task.slices}


def _remove_read(task: MergeTask, readers: Counter[Path]) -> None:
    """Remove the spill files that no other task will read: what is merged next takes their place in memory."""
    for path in _spills(task):
        readers[path] -= 1
        if not readers[path]:
            path.unlink()


def _stage_day(
    refinery: Refinery, draft: Draft, ingested: _Ingestion, merged: list[Merged], files: dict[str, list[SourceFile]]
) -> Staged:
    records, dropped = (rows.get(draft.partition, []) for rows in (ingested.records, ingested.quarantine))
    kept = [piece for piece in merged if piece.key == "evidence_id"]
    gone = [piece for piece in merged if piece.key == "raw_sha256"]
    add_table(draft, "records", [piece.rows for piece in kept])
    duplicates = [piece.duplicates for piece in kept if piece.duplicates is not None]
    add_table(draft, "quarantine", [*(piece.rows for piece in gone), *duplicates])
    reasons = sum((piece.reasons for piece in gone), Counter[str]())
    counts = Counts(
        rows_in=sum(piece.run.rows for piece in (*records, *dropped)),
        rows_out=draft.rows("records"),
        deduplicated=sum(piece.part.rows for piece in duplicates),
        skipped={reason: count for reason, count in sorted(reasons.items()) if reason in SKIPS},
        quarantined={reason: count for reason, count in sorted(reasons.items()) if reason not in SKIPS},
    )
    source = _source_input(b"".join(piece.raw for piece in merged))
    missing = sorted(name for name, found in files.items() if not found)
    extra = {
        "health": report([piece.health for piece in kept]),
        "missing_sources": missing,
        "source_rows": _by_file([*records, *dropped]),
    }
    return Staged(draft, {"sources": source}, refinery.settings.evidence_hash, counts, extra=extra)


def _by_file(slices: list[Slice]) -> dict[str, int]:
    """Return how many of the day's rows each source file gave."""
    rows: Counter[str] = Counter()
    for piece in slices:
        rows[piece.file] += piece.run.rows
    return dict(sorted(rows.items()))


def _raw_hashes(table: pa.Table) -> bytes:
    """Return the 32-byte hashes of the source lines behind rows."""
    return bytes.fromhex("".join(pc.struct_field(table["provenance"], "raw_sha256").to_pylist()))


def _source_input(raw: bytes) -> Input:
    """Return the identity of a day's source rows: their sorted line hashes, whatever files and lines they lie on."""
    digest = hashlib.sha256(np.sort(np.frombuffer(raw, "S32")).tobytes()).hexdigest()
    return Input(digest[:24], digest)


def _merge_tasks(
    draft: Draft, table: str, slices: list[Slice], key: str, streams: tuple[Path, ...]
) -> Iterator[MergeTask]:
    """Yield one task per range of keys; keys are hashes, so equal ranges hold about equally many rows."""
    total = sum(piece.run.bytes for piece in slices)
    count = min(-(-total // RANGE_BYTES), 4_096)
    bounds = ["", *(f"{number * 65_536 // count:04x}" for number in range(1, count)), ""]
    for number in range(count):
        part = draft.part_path(table, number)
        copies = draft.part_path("quarantine", 10_000 + number) if table == "records" else None
        yield MergeTask(tuple(slices), key, bounds[number], bounds[number + 1], part, copies, streams)


def merge_range(task: MergeTask) -> Merged:
    """Return one range of a day, merged, ordered, freed of repeated records and written."""
    table = _gather(task)
    raw = _raw_hashes(table)
    if task.key == "raw_sha256":
        written = Written(write_part(task.part, table, plain=_PLAIN), quarantine_hashes(table))
        return Merged(task.key, written, None, raw, Counter(table["reason"].to_pylist()), {})
    kept, repeated = _split_repeated(table)
    ids = bytes.fromhex("".join(kept["evidence_id"].to_pylist()))
    written = Written(write_part(task.part, kept, plain=_PLAIN), ids)
    return Merged(
        task.key, written, _write_repeated(repeated, task.duplicates), raw, Counter(), measure(kept, task.streams)
    )


def _gather(task: MergeTask) -> pa.Table:
    schema = EVIDENCE if task.key == "evidence_id" else QUARANTINE
    pieces = [piece for piece in (_cut(part, task) for part in task.slices) if piece.num_rows]
    table = pa.Table.from_batches(pieces, schema=schema).combine_chunks()
    provenance = table["provenance"].combine_chunks() if table.num_rows else pa.array([], PROVENANCE)
    keys = {task.key: table["evidence_id"]} if task.key == "evidence_id" else {}
    keys |= {name: provenance.field(name) for name in ("raw_sha256", "source_file", "line_offset")}
    keys |= {} if task.key == "evidence_id" else {name: table[name] for name in ("reason", "detail")}
    return table.take(pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys]))


def _cut(piece: Slice, task: MergeTask) -> pa.RecordBatch:
    """Return the rows of a sorted run whose keys lie in the task's range, with line numbers of the whole file."""
    with pa.memory_map(str(piece.run.path)) as source:  # closing frees the descriptor; the rows keep their memory
        batch = pa.ipc.open_file(source).get_batch(piece.run.index)
    keys = batch.column("evidence_id") if task.key == "evidence_id" else batch.column("provenance").field("raw_sha256")
    low = bisect_left(keys, task.low, key=lambda value: value.as_py()) if task.low else 0
    high = bisect_left(keys, task.high, key=lambda value: value.as_py()) if task.high else len(keys)
    return _renumbered(batch.slice(low, high - low), piece.first_line)


def _renumbered(batch: pa.RecordBatch, first_line: int) -> pa.RecordBatch:
    if not first_line:
        return batch
    provenance = batch.column("provenance")
    fields = {field.name: provenance.field(field.name) for field in PROVENANCE}
    fields["line_offset"] = pc.add(fields["line_offset"], pa.scalar(first_line, pa.int64()))
    moved = pa.StructArray.from_arrays(list(fields.values()), fields=list(PROVENANCE))
    return batch.set_column(batch.schema.get_field_index("provenance"), batch.schema.field("provenance"), moved)


def _split_repeated(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the first of every evidence id, and the others; equal ids are neighbours."""
    ids = table["evidence_id"].combine_chunks()
    if len(ids) < 2:
        return table, table.slice(0, 0)
    repeated = pa.concat_arrays([pa.array([False]), pc.equal(ids[1:], ids[:-1])])
    if not pc.any(repeated).as_py():
        return table, table.slice(0, 0)
    return table.filter(pc.invert(repeated)), table.filter(repeated)


def _write_repeated(repeated: pa.Table, path: Path | None) -> Written | None:
    if path is None or not repeated.num_rows:
        return None
    table = dropped_table(
        repeated.num_rows,
        {
            "stage": "evidence",
            "disposition": "deduplicated",
            "reason": "duplicate_id",
            "detail": "the same record came more than once; the first is kept",
            **{name: repeated[name] for name in ("evidence_id", "run_id", "task_id", "source", "provenance")},
        },
    )
    return Written(write_part(path, table, plain=_PLAIN), quarantine_hashes(table))
