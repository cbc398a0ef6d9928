"""Runs: rows of one day on their way to disk, collected column by column and spilled in the order of their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from distill_platform.core import canon
from distill_platform.refinery.columns import Values, picked
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
_CONSTANT = ("source", "tags")  # what all records of a stream have in common


@dataclass(frozen=True)
class Run:
    """A sorted run of rows of one day: record batch `index` of the spill file `path`."""

    path: Path
    index: int
    day: str
    rows: int
    bytes: int


@dataclass
class Records:
    """Evidence records of one day, column by column; `fields` holds text as the table does."""

    ids: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    sigs: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    fields: defaultdict[str, Values] = field(default_factory=lambda: defaultdict(list))

    def add(
        self,
        ids: list[str],
        raw: list[str],
        sigs: list[str],
        lines: list[int],
        moments: list[datetime],
        fields: Mapping[str, Values],
    ) -> None:
        """Add records of one stream."""
        self.ids += ids
        self.raw += raw
        self.sigs += sigs
        self.lines += lines
        self.moments += moments
        for name, values in fields.items():
            self.fields[name] += values

    def batch(self, file: SourceFile) -> pa.RecordBatch:
        """Return the records in the order of their ids, and of their lines among equal ids."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        count = len(order)
        columns = {name: picked(values, order) for name, values in self.fields.items() if name not in _CONSTANT}
        arrays: dict[str, Any] = {name: pa.array(values, EVIDENCE.field(name).type) for name, values in columns.items()}
        for name in _CONSTANT:
            arrays[name] = pa.repeat(pa.scalar(self.fields[name][0], EVIDENCE.field(name).type), count)
        arrays["evidence_id"] = pa.array(picked(self.ids, order))
        arrays["schema_version"] = pa.repeat(pa.scalar(SCHEMA_VERSION, pa.int32()), count)
        arrays["timestamp"] = pa.array(picked(self.moments, order), EVIDENCE.field("timestamp").type)
        for name in ("prompt", "text"):
            lengths = [len(value) if value else 0 for value in columns.get(name, [None] * count)]
            arrays[f"{name}_chars"] = pa.array(lengths, pa.int32())
        lines, raw, sigs = (picked(values, order) for values in (self.lines, self.raw, self.sigs))
        arrays["provenance"] = _provenance(file.name, lines, raw, sigs)
        missing = [pa.nulls(count, part.type) if part.name not in arrays else arrays[part.name] for part in EVIDENCE]
        return pa.RecordBatch.from_arrays(missing, schema=EVIDENCE)


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


def _provenance(file: str, lines: list[int], raw: list[str], sigs: list[Any]) -> pa.StructArray:
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
