"""Parts: the Parquet files of a table, whose bytes depend on the table's values alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core.errors import CorruptDataset
from distill_platform.store.lake import atomic
from distill_platform.store.lake.manifest import Part

_AGAIN = "Materialize the partition again"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 hex of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one Parquet file as a table; CorruptDataset when it cannot be read."""
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            return file.read(columns=list(columns) if columns is not None else None)
    except (OSError, pa.ArrowException) as error:
        raise CorruptDataset(f"{path} cannot be read: {error}", hint=_AGAIN) from error


def read_pieces(path: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield one Parquet file in pieces of `rows` rows, so small that they stay in the processor's cache.

    Raises CorruptDataset when it cannot be read.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            yield from file.iter_batches(rows, columns=list(columns), use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise CorruptDataset(f"{path} cannot be read: {error}", hint=_AGAIN) from error


def write_part(path: Path, table: pa.Table, *, plain: Sequence[str] = ()) -> Part:
    """Write one Parquet file that is on disk when this returns; columns in `plain` are not dictionary-encoded.

    The bytes depend on the table's values alone: chunks are combined and row groups have a fixed size.
    """
    dictionary = [name for name in _leaves(table.schema) if name not in plain]
    with atomic.disk_errors(path):
        pq.write_table(
            table.combine_chunks(),
            path,
            compression="none",
            use_dictionary=dictionary or False,
            write_statistics=False,
            row_group_size=32_768,
        )
        atomic.sync_file(path)
    relative = f"{path.parent.name}/{path.name}"
    return Part(relative, table.num_rows, path.stat().st_size, file_sha256(path))


def _leaves(schema: pa.Schema) -> list[str]:
    return [name for field in schema for name in _leaf_names(field, "")]


def _leaf_names(field: pa.Field, prefix: str) -> list[str]:
    name = f"{prefix}{field.name}"
    if pa.types.is_struct(field.type):
        return [leaf for child in field.type for leaf in _leaf_names(child, f"{name}.")]
    if pa.types.is_list(field.type):
        return _leaf_names(pa.field("list.element", field.type.value_type), f"{name}.")
    return [name]
