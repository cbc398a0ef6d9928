"""Runs: rows of one day on their way to disk, collected column by column and spilled in the order of their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core import canon
from distill_platform.refinery.columns import Moments, Values, picked
from distill_platform.refinery.quarantine import dropped_table
from distill_platform.refinery.schemas import EVIDENCE, provenance_array
from distill_platform.refinery.source_files import SourceFile
from distill_platform.store.lake.atomic import disk_errors

SCHEMA_VERSION = 1
SKIPS = frozenset({"missing_timestamp"})
MAPPED = tuple(
    name for name in EVIDENCE.names
    if name not in {"evidence_id", "schema_version", "timestamp", "prompt_chars", "text_chars", "provenance"}
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A sorted run of rows of one day: record batch `index` of the spill file `path`."""

    path: Path
    index: int
    day: str
    rows: int
    bytes: int


class Source(NamedTuple):
    """Where a record comes from: its line in the chunk, the two hashes of it, and its bytes."""

    line: int
    raw_sha256: str
    sig_hash: str | None
    raw: bytes


class Sources(NamedTuple):
    """Where many records come from, as one list for each part of a `Source`."""

    line: list[int]
    raw_sha256: list[str]
    sig_hash: list[str | None]
    raw: list[bytes]

    def one(self, number: int) -> Source:
        """Return where one of the records comes from."""
        return Source(self.line[number], self.raw_sha256[number], self.sig_hash[number], self.raw[number])

    def pick(self, wanted: Sequence[int]) -> Sources:
        """Return where some of the records come from."""
        if list(wanted) == list(range(len(self.line))):
            return self
        return Sources(*(picked(values, wanted) for values in self))


def record_batch(
    ids: list[str], moments: Moments, fields: Mapping[str, Values], sources: Sources, file: str
) -> pa.RecordBatch:
    """Return records of one stream as rows of the evidence table; `fields` holds text as the table does."""
    count = len(ids)
    arrays = {name: pa.array(values, EVIDENCE.field(name).type) for name, values in fields.items()}
    arrays["evidence_id"] = pa.array(ids)
    arrays["schema_version"] = pa.repeat(pa.scalar(SCHEMA_VERSION, pa.int32()), count)
    arrays["timestamp"] = pa.array(moments).cast(EVIDENCE.field("timestamp").type)
    for name in ("prompt", "text"):
        lengths = [len(value) if value else 0 for value in fields.get(name, [None] * count)]
        arrays[f"{name}_chars"] = pa.array(lengths, pa.int32())
    arrays["provenance"] = _provenance(file, sources.line, sources.raw_sha256, sources.sig_hash)
    columns = [arrays[part.name] if part.name in arrays else pa.nulls(count, part.type) for part in EVIDENCE]
    return pa.RecordBatch.from_arrays(columns, schema=EVIDENCE)


def by_day(pieces: list[pa.RecordBatch]) -> dict[str, pa.RecordBatch]:
    """Return records by their day, in the order of their ids."""
    if not pieces:
        return {}
    table = pa.Table.from_batches(pieces).combine_chunks()
    days = table["timestamp"].cast(pa.date32())
    keys = pa.table({"day": days, "id": table["evidence_id"]})
    order = pc.sort_indices(keys, sort_keys=[("day", "ascending"), ("id", "ascending")])
    table, days = table.take(order), days.take(order)
    found = pc.value_counts(days.combine_chunks())
    starts = accumulate(found.field("counts").to_pylist(), initial=0)
    return {
        day["values"].isoformat(): table.slice(start, day["counts"]).to_batches()[0]
        for day, start in zip(found.to_pylist(), starts, strict=False)
    }


class Dropped(NamedTuple):
    """One row that does not become evidence."""

    raw_sha256: str
    line: int
    reason: str
    detail: str
    row: bytes
    sig_hash: str | None


def dropped_batch(rows: list[Dropped], file: SourceFile) -> pa.RecordBatch:
    """Return dropped rows in the order of their hashes, then lines, reasons and details."""
    rows = sorted(rows, key=lambda row: row[:4])
    columns = {
        "stage": "evidence",
        "disposition": pa.array(["skipped" if row.reason in SKIPS else "quarantined" for row in rows]),
        "reason": pa.array([row.reason for row in rows]),
        "detail": pa.array([row.detail for row in rows]),
        "row": pa.array([row.row for row in rows], pa.binary()),
        "source": file.stream,
        "provenance": _provenance(
            file.name, [row.line for row in rows], [row.raw_sha256 for row in rows], [row.sig_hash for row in rows]
        ),
    }
    return dropped_table(len(rows), columns).to_batches()[0]


def _provenance(file: str, lines: Sequence[int], raw: Sequence[str], sigs: Sequence[str | None]) -> pa.StructArray:
    return provenance_array(
        pa.repeat(pa.scalar(file), len(lines)),
        pa.array(lines, pa.int64()),
        pa.array(raw),
        pa.array(sigs, pa.string()),
        canon.CANON,
    )


def write_runs(path: Path, batches: Mapping[str, pa.RecordBatch]) -> list[Run]:
    """Return the runs of one spill file, one record batch a day; no file where there are none."""
    if not batches:
        return []
    schema = next(iter(batches.values())).schema
    with disk_errors(path), pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for batch in batches.values():
            writer.write_batch(batch)
    return [Run(path, index, day, batch.num_rows, batch.nbytes) for index, (day, batch) in enumerate(batches.items())]
