"""Tables: corpus rows written into a release, as Parquet and JSONL side by side.

Rows go through in groups of a fixed size, so memory does not grow with the corpus and the bytes depend on the rows
alone, not on how the scratch files were cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from distill_platform.core import canon
from distill_platform.refinery.quarantine import quarantine_hashes
from distill_platform.refinery.release import layout
from distill_platform.refinery.release.trainers import CONVERSATIONS
from distill_platform.refinery.schemas import CORPORA, QUARANTINE
from distill_platform.store.lake import TableEntry, read_part
from distill_platform.store.lake.atomic import disk_errors, sync_file

GROUP_ROWS = 1_000
_REPEATING = (
    "split", "prompt_source", "quality_score", "success_score", "source_category", "reason", "task_id", "stage",
    "disposition", "tags.list.element",
    *(f"{name}.list.element.role" for name in ("prompt", "completion", "chosen", "rejected")),
    *(f"{side}provenance.{part}" for side in ("", "chosen_", "rejected_") for part in ("source_file", "canon")),
)  # fmt: skip


@dataclass(frozen=True)
class WriteTask:
    """One table of a release to be written into `folder`, from a corpus' scratch files in row order."""

    config: str
    split: str
    sources: tuple[Path, ...]
    folder: Path


def write_rows(task: WriteTask) -> dict[str, TableEntry]:
    """Return the tables of one split of a corpus: its rows, and its conversations where it has any."""
    rows_name = layout.rows_table(task.config, task.split)
    chats_name = layout.conversations_table(task.config, task.split)
    converse = CONVERSATIONS.get(task.config)
    schema = CORPORA[layout.CORPUS_OF[task.config]]
    count, content = 0, hashlib.sha256()
    with ExitStack() as stack:
        parquet = stack.enter_context(_parquet(task.folder / f"{rows_name}.parquet", schema))
        lines = _opened(stack, task.folder / f"{rows_name}.jsonl")
        chats = _opened(stack, task.folder / f"{chats_name}.jsonl") if converse else None
        for group in regrouped(_of_split(task)):
            rows = group.to_pylist()
            count += len(rows)
            content.update(bytes.fromhex("".join(row["id"] for row in rows)))
            parquet.write_table(group, row_group_size=GROUP_ROWS)
            lines.writelines(jsonl(rows))
            if chats and converse:
                chats.writelines(jsonl(map(converse, rows)))
    files = {rows_name: [f"{rows_name}.parquet", f"{rows_name}.jsonl"]}
    files |= {chats_name: [f"{chats_name}.jsonl"]} if converse else {}
    return {name: _entry(task.folder, paths, count, content.hexdigest()) for name, paths in files.items()}


def write_quarantine(task: WriteTask) -> dict[str, TableEntry]:
    """Return the table of what a corpus dropped."""
    name = layout.quarantine_table(task.config)
    count, content = 0, hashlib.sha256()
    with _parquet(task.folder / f"{name}.parquet", QUARANTINE) as parquet:
        for group in regrouped(read_part(path) for path in task.sources):
            count += group.num_rows
            content.update(quarantine_hashes(group))
            parquet.write_table(group, row_group_size=GROUP_ROWS)
    return {name: _entry(task.folder, [f"{name}.parquet"], count, content.hexdigest())}


def _of_split(task: WriteTask) -> Iterator[pa.Table]:
    for path in task.sources:
        table = read_part(path)
        yield table.filter(pc.equal(table["split"], task.split))


def regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows in tables of GROUP_ROWS rows, the last one shorter; none for no rows."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        start = 0
        while start < table.num_rows:
            piece = table.slice(start, GROUP_ROWS - count)
            waiting.append(piece)
            start, count = start + piece.num_rows, count + piece.num_rows
            if count == GROUP_ROWS:
                yield _fresh(waiting)
                waiting, count = [], 0
    if waiting:
        yield _fresh(waiting)


def _fresh(pieces: Sequence[pa.Table]) -> pa.Table:
    """Return one table of new, unshared arrays: slices of the same values may give other Parquet bytes."""
    table = pa.concat_tables(pieces).combine_chunks()
    return table.take(pa.array(np.arange(table.num_rows))).combine_chunks()


def jsonl(rows: Iterable[Any]) -> Iterator[bytes]:
    """Yield the canonical line of every row, all keys included."""
    return (canon.dumps(row) + b"\n" for row in rows)


def _parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file; one without rows has no row group at all, which `datasets` can at least pass over."""
    with disk_errors(path):
        path.parent.mkdir(exist_ok=True)
        return pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=list(_REPEATING),
            write_statistics=False,
        )


def _opened(stack: ExitStack, path: Path) -> BinaryIO:
    with disk_errors(path):
        path.parent.mkdir(exist_ok=True)
        return stack.enter_context(path.open("wb"))


def _entry(folder: Path, paths: Sequence[str], rows: int, content: str) -> TableEntry:
    for path in paths:
        sync_file(folder / path)
    return TableEntry(rows, content, tuple(layout.part_of(folder, path, rows) for path in paths))


Writer = Callable[[WriteTask], dict[str, TableEntry]]


def write(job: tuple[Writer, WriteTask]) -> dict[str, TableEntry]:
    """Return what one writer wrote; a full disk is named as such."""
    writer, task = job
    with disk_errors(task.folder):
        return writer(task)
