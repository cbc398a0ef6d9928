"""Tables: a partition that is made of a few tables, each held as a whole, and how it is published and read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from distill_platform.store.lake.lake import Dataset, Draft, Lake
from distill_platform.store.lake.manifest import ABSENT, Check, Counts, Input, Manifest
from distill_platform.store.lake.parts import write_part
from distill_platform.store.lake.publishing import Staged, Written, add_table, as_input, joined, publish

Row = Mapping[str, Any]


@dataclass(frozen=True)
class MadeTables:
    """What a stage makes of one partition: its tables, as rows or, where there are many, whole; what it read.

    A table of the dataset that is not among them is empty.
    """

    tables: Mapping[str, Sequence[Row] | pa.Table]
    inputs: Mapping[str, Input]
    counts: Counts
    checks: Sequence[Check] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Making:
    """What shapes the tables of a dataset: their schemas, the hash of its configuration, the version of the code."""

    schemas: Mapping[str, pa.Schema]
    config_hash: str
    code_version: str


def publish_tables(lake: Lake, dataset: str, partition: str, made: MadeTables, making: Making) -> Manifest:
    """Return the manifest of one partition after writing its tables and holding them against the laws."""
    with lake.draft(dataset, partition) as draft:
        for table, schema in making.schemas.items():
            add_table(draft, table, [_written(draft, table, made.tables.get(table, ()), schema)])
        staged = Staged(draft, made.inputs, making.config_hash, made.counts, made.checks, made.extra)
        return publish(lake, staged, making.schemas, making.code_version)


def open_partition(lake: Lake, dataset: str, partition: str) -> tuple[Dataset, dict[str, Input]]:
    """Return a partition that may be read, and how to remember that it was."""
    found = lake.open(dataset, partition)
    return found, {f"{dataset}/{partition}": as_input(found.manifest)}


def open_where_published(lake: Lake, dataset: str, partition: str) -> tuple[Dataset | None, dict[str, Input]]:
    """Return a partition that may be read, None where there is none yet, and how to remember which of both it was."""
    if lake.manifest(dataset, partition) is None:
        return None, {f"{dataset}/{partition}": ABSENT}
    return open_partition(lake, dataset, partition)


def rows_of(found: Dataset, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table, in order."""
    read = found.read(table)
    return read.to_pylist() if read is not None else []


def _written(draft: Draft, table: str, rows: Sequence[Row] | pa.Table, schema: pa.Schema) -> Written:
    if isinstance(rows, pa.Table):
        built = rows.cast(schema)
        digests = _columns_digest(built)
    else:
        built = pa.Table.from_pylist([dict(row) for row in rows], schema)
        digests = b"".join(_row_digest(row) for row in built.to_pylist())
    return Written(write_part(draft.part_path(table, 0), built), digests)


def _columns_digest(table: pa.Table) -> bytes:
    """Return one hash that stands for all rows, column by column: a hash of each would take longer than making them."""
    digest = hashlib.sha256()
    for column in table.columns:
        digest.update(_column_bytes(column))
    return digest.digest()


def _column_bytes(column: pa.ChunkedArray) -> bytes:
    if column.null_count or pa.types.is_nested(column.type):
        return repr(column.to_pylist()).encode()
    return joined(column) if pa.types.is_string(column.type) else bytes(column.to_numpy().tobytes())


def _row_digest(row: Row) -> bytes:
    return hashlib.sha256(repr(sorted(row.items())).encode()).digest()
