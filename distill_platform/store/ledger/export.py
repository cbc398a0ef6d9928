"""The export: closed days as Parquet files, for DuckDB and whoever else wants to ask questions.

`<folder>/day=2026-04-20/part-00001.parquet`, sorted by stream and number. A part is never written again. Its bytes
depend on its revisions alone. A clock that was set back can add revisions to a closed day: they become its next part.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core.errors import LedgerDamaged
from distill_platform.store.lake import atomic, read_part
from distill_platform.store.lake.scratch import scratch_folder
from distill_platform.store.ledger.ledger import Ledger
from distill_platform.store.ledger.revision import Revision

_ROW_GROUP = 4096
_STAGING = ".staging"
SCHEMA = pa.schema(
    [
        pa.field("stream", pa.string(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("body", pa.string(), nullable=False),
        pa.field("actor", pa.string(), nullable=False),
        pa.field("recorded_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("prev", pa.string(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),
    ]
)
_HEAD = ("stream", "number", "digest")
Place = tuple[str, int]


@dataclass(frozen=True)
class ExportedPart:
    """One file that an export wrote."""

    day: date
    file: Path
    rows: int


def export_closed_days(ledger: Ledger, folder: Path) -> list[ExportedPart]:
    """Return the files that were written now: one for each closed day with revisions that no file holds yet.

    Raises LedgerDamaged when an exported revision is not in the ledger any more, or is another one there.
    """
    exported = (_export(ledger, day, folder) for day in ledger.closed_days())
    return [part for part in exported if part is not None]


def _export(ledger: Ledger, day: date, folder: Path) -> ExportedPart | None:
    home = folder / f"day={day.isoformat()}"
    parts = sorted(home.glob("part-*.parquet"))
    known = _exported(parts)
    with scratch_folder(folder / _STAGING) as scratch:
        staged = scratch / "part.parquet"
        rows = _write(staged, _new(ledger.recorded_on(day), known))
        _refuse_lost(known, home)
        final = home / f"part-{len(parts) + 1:05d}.parquet"
        return ExportedPart(day, final, rows) if rows and _publish(staged, final) else None


def _exported(parts: Iterable[Path]) -> dict[Place, str]:
    """Return the digests of the revisions that a day's parts hold."""
    rows = (row for part in parts for row in read_part(part, _HEAD).to_pylist())
    return {(row["stream"], row["number"]): row["digest"] for row in rows}


def _new(revisions: Iterable[Revision], known: dict[Place, str]) -> Iterator[Revision]:
    """Yield what is not known; what is known is taken out of `known` when the ledger still has it."""
    for revision in revisions:
        place = (revision.stream, revision.number)
        if place not in known:
            yield revision
        elif known[place] == revision.digest:
            del known[place]


def _refuse_lost(known: dict[Place, str], home: Path) -> None:
    for stream, number in sorted(known)[:1]:
        message = f"{home} holds revision {number} of {stream} as it was, and the ledger does not"
        raise LedgerDamaged(message, hint="The export is evidence: keep it, and run `distill ledger verify`")


def _write(file: Path, revisions: Iterator[Revision]) -> int:
    """Return how many rows were written, in row groups of a fixed size."""
    written = 0
    with atomic.disk_errors(file), pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        while rows := [_row(revision) for revision in islice(revisions, _ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
            written += len(rows)
    return written


def _row(revision: Revision) -> dict[str, object]:
    names = ("stream", "number", "key", "kind", "actor", "recorded_at", "prev", "digest")
    return {name: getattr(revision, name) for name in names} | {"body": revision.text}


def _publish(staged: Path, final: Path) -> bool:
    """Return whether the file was put in its place; not when another export was faster, with the same content."""
    with atomic.disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        atomic.sync_file(staged)
        try:
            os.link(staged, final)
        except FileExistsError:
            return False
        atomic.sync_folder(final.parent)
        return True
