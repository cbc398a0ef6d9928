"""What a Parquet file says it unpacks to, page by page: read here, in Python, before any library unpacks it.

A footer can promise little and its pages then unpack to gigabytes, and some contradictions in a footer end the whole
process inside the Parquet library. So every size is looked at before, in the file's own bytes.

Source: the Apache Parquet format, `parquet.thrift` 2.11; fields go by their numbers there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from distill_platform.strategies.bundles.thrift_compact import CompactReader, Struct, ThriftError

_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"
_MAX_FOOTER = 8_000_000
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_HEADERS = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}


class FooterError(ValueError):
    """A file is not Parquet, or what it says of itself cannot be."""


@dataclass(frozen=True)
class Sizes:
    """What a file unpacks to: its columns, its rows, and the bytes of all its pages."""

    columns: int
    rows: int
    unpacked: int


def sizes(data: bytes) -> Sizes:
    """Return what the flat, unencrypted Parquet file `data` unpacks to.

    Raises FooterError where footer, row groups, columns and pages do not agree with each other, and for what is nested,
    encrypted, kept in other files, or no Parquet at all.
    """
    try:
        return _sizes(data, _footer(data))
    except (ThriftError, KeyError) as error:
        raise FooterError(f"its footer or a page header is damaged: {error}") from None


def _footer(data: bytes) -> Struct:
    if data[-4:] == _ENCRYPTED or data[:4] == _ENCRYPTED:
        raise FooterError("it is encrypted")
    if len(data) < 12 or data[:4] != _MAGIC or data[-4:] != _MAGIC:
        raise FooterError("it does not begin and end with PAR1: no Parquet, or cut off")
    size = int.from_bytes(data[-8:-4], "little")
    if size > min(len(data) - 12, _MAX_FOOTER):
        raise FooterError(f"its footer claims {size:,} bytes")
    return CompactReader(data, len(data) - 8 - size, len(data) - 8).struct()


def _sizes(data: bytes, footer: Struct) -> Sizes:
    if 8 in footer:
        raise FooterError("it is encrypted")
    groups = [_structs(group[1]) for group in _structs(footer.get(4, []))]
    counts = [_count(group[3]) for group in _structs(footer.get(4, []))]
    if sum(counts) != _count(footer[3]):
        raise FooterError(f"it counts {footer[3]} rows, its row groups {sum(counts)}")
    unpacked = 0
    for columns, rows in zip(groups, counts, strict=True):
        for column in columns:
            unpacked += _unpacked(data, column, rows)
    return Sizes(len(_structs(footer[2])) - 1, sum(counts), unpacked)


def _unpacked(data: bytes, column: Struct, rows: int) -> int:
    """Return how many bytes the pages of one column of a row group unpack to."""
    if column.get(1) or 8 in column or 9 in column:
        raise FooterError("a column is encrypted, or lies in another file")
    about = _struct(column[3])
    if _count(about[5]) != rows:
        raise FooterError(f"a column has {about[5]} values for {rows} rows: nested, or of another length")
    start, dictionary = _count(about[9]), _count(about.get(11, 0))
    start = dictionary if 0 < dictionary < start else start
    values = unpacked = 0
    for kind, size, count in _pages(data, start, start + _count(about[7]), rows):
        unpacked += size
        if kind == _DICTIONARY:
            if count > size:
                raise FooterError(f"a dictionary claims {count:,} values in {size:,} bytes")
        else:
            values += count
    if values != rows:
        raise FooterError(f"pages hold {values} values for {rows} rows")
    return unpacked


def _pages(data: bytes, position: int, end: int, rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, unpacked bytes and values of each page until the column's values are complete."""
    values = 0
    while values < rows:
        reader = CompactReader(data, position, end)
        header = reader.struct()
        position = reader.position + _count(header[3])
        if position > end:
            raise FooterError("a page is longer than its column")
        kind = _count(header[1])
        if kind in _HEADERS:
            count = _count(_struct(header[_HEADERS[kind]])[1])
            values += count if kind != _DICTIONARY else 0
            yield kind, _count(header[2]), count


def _structs(value: Any) -> list[Struct]:
    if not isinstance(value, list):
        raise FooterError("its footer is damaged: no list where one belongs")
    return [_struct(item) for item in value]


def _struct(value: Any) -> Struct:
    if not isinstance(value, dict):
        raise FooterError("its footer or a page header is damaged: no struct where one belongs")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FooterError("its footer or a page header is damaged: no count where one belongs")
    return value
