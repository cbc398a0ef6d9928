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
from distill_platform.strategies.bundles.parquet_footer import FooterError, sizes
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
    _refuse_size(data, declared, limits)
    file = _opened(data, declared)
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
        _ = [(field.name, getattr(field.type, "tz", None)) for field in file.schema_arrow]  # may be no text
    except _ERRORS as error:
        raise _unreadable(declared, error) from None
    return file


def _refuse_size(data: bytes, declared: BundleTable, limits: Limits) -> None:
    try:
        found = sizes(data)
    except FooterError as error:
        raise _unreadable(declared, error) from None
    if found.columns > limits.columns:
        raise _too_large(declared, "columns", found.columns, limits.columns)
    if found.rows > limits.rows:
        raise _too_large(declared, "rows", found.rows, limits.rows)
    if found.unpacked > limits.table_bytes:
        raise _too_large(declared, "bytes once unpacked", found.unpacked, limits.table_bytes)


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
