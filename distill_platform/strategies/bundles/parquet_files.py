"""A bundle's Parquet files: flat columns of known types, looked at before they are unpacked, unpacked within bounds.

Only the columns' values count. What pandas wrote beside them (an index, categories, its own metadata) is not read, and
no Python object is ever made from a file's bytes.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core.config import nearest
from distill_platform.strategies.bundles.columns import converted
from distill_platform.strategies.bundles.limits import Limits
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import BundleTable

_ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError)
_THRIFT_BYTES = 16_000_000
_THRIFT_ITEMS = 1_000_000
_AGAIN = "Write it again with a Parquet library, unencrypted, and seal the folder again"


def read_table(data: bytes, declared: BundleTable, limits: Limits) -> pa.Table:
    """Return the table that the bytes of a Parquet file hold, with the declared columns, their order and types.

    Raises BundleRefused for what is not Parquet or more than the limits allow, for columns that are missing, unknown or
    of another kind, and values that are missing, not finite or not among those declared.
    """
    file = _opened(data, declared)
    _refuse_size(file.metadata, declared, limits)
    schema = file.schema_arrow
    _refuse_columns([_name(field) for field in schema], declared)
    text = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    if text:
        file = _opened(data, declared, dictionaries=text)
    table = _read(file, declared)
    fields = [field for field in declared.columns if field.name in table.column_names]
    arrays = [converted(table.column(field.name), field, declared, limits.text_bytes) for field in fields]
    return pa.table(arrays, schema=pa.schema(fields))


def _opened(data: bytes, declared: BundleTable, dictionaries: list[str] | None = None) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(
            pa.BufferReader(data),
            read_dictionary=dictionaries,
            pre_buffer=False,
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=_THRIFT_ITEMS,
            schema_depth_limit=8,
        )
        _ = [field.name for field in file.schema_arrow]
    except _ERRORS as error:
        raise _unreadable(declared, error) from None
    return file


def _refuse_size(metadata: pq.FileMetaData, declared: BundleTable, limits: Limits) -> None:
    """Refuse what the file's footer says it unpacks to, and a footer that contradicts itself."""
    if metadata.num_columns > limits.columns:
        raise _too_large(declared, "columns", metadata.num_columns, limits.columns)
    rows = unpacked = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        if group.num_rows < 0 or any(column.num_values != group.num_rows for column in columns):
            raise _unreadable(declared, "its columns are nested, or of different lengths")
        rows += group.num_rows
        unpacked += sum(max(column.total_uncompressed_size, column.total_compressed_size) for column in columns)
    if rows != metadata.num_rows:
        raise _unreadable(declared, f"its footer counts {metadata.num_rows} rows, its row groups {rows}")
    if rows > limits.rows:
        raise _too_large(declared, "rows", rows, limits.rows)
    if unpacked > limits.table_bytes:
        raise _too_large(declared, "bytes once unpacked", unpacked, limits.table_bytes)


def _refuse_columns(names: list[str], declared: BundleTable) -> None:
    known: list[str] = declared.columns.names
    for name, count in Counter(names).items():
        if name not in known:
            message = f"{declared.file}: unknown column {shown(name)}"
            hint = "Write the table without its index" if name.startswith("__") else nearest(name[:200], known)
            raise BundleRefused(RefusalReason.COLUMN_UNKNOWN, message, hint=hint)
        if count > 1:
            message = f"{declared.file}: column {name!r} stands {count} times"
            raise BundleRefused(RefusalReason.COLUMN_TWICE, message, hint="Keep one of them")
    for name in known:
        if name not in names and name not in declared.optional:
            message = f"{declared.file}: column {name!r} is missing"
            raise BundleRefused(RefusalReason.COLUMN_MISSING, message, hint=f"It has {', '.join(names) or 'none'}")


def _name(field: pa.Field) -> str:
    return str(field.name)


def _read(file: pq.ParquetFile, declared: BundleTable) -> pa.Table:
    try:
        return file.read(use_threads=False)
    except _ERRORS as error:
        raise _unreadable(declared, error) from None


def _unreadable(declared: BundleTable, error: object) -> BundleRefused:
    first_line = (str(error).splitlines() or [""])[0]
    message = f"{declared.file} cannot be read as Parquet: {first_line[:200]}"
    return BundleRefused(RefusalReason.PARQUET_UNREADABLE, message, hint=_AGAIN)


def _too_large(declared: BundleTable, what: str, found: int, bound: int) -> BundleRefused:
    message = f"{declared.file} has {found:,} {what}, more than {bound:,}"
    return BundleRefused(RefusalReason.TOO_LARGE, message, hint="Hand in coarser steps, or several runs")
