"""Sheets: the columns of a CSV, Feather or Parquet file under the names that the feed declares, row by row."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core.config import nearest
from distill_platform.feeds.arrow_values import value_of
from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.rejected import Origin, Reason, Rejected

_MOST_ROWS = 20_000_000
_MOST_UNPACKED = 4 * 2**30
_LONGEST_SHOWN = 2_000  # characters of one value of a row
_SURROGATES = range(0xDC80, 0xDD00)  # what bytes become that are no UTF-8


@dataclass(frozen=True, eq=False)
class Sheet:
    """The rows of a file that have all its columns; `torn` are the others.

    `columns` are lists of text, or Arrow columns; `place(i)` says where row i stands, `row(i)` what it says.
    """

    columns: Mapping[str, Sequence[Any] | pa.ChunkedArray]
    count: int
    torn: tuple[Rejected, ...]
    place: Callable[[int], str]
    row: Callable[[int], str]


def read_sheet(
    body: bytes, ending: str, wanted: Sequence[str], layout: tuple[str, str | None], origin: Origin
) -> Sheet:
    """Return the `wanted` columns of a file; `layout` is the separator and the encoding of a CSV.

    Raises FeedGarbled for a file of another kind, a damaged one, and one without one of the columns.
    """
    if ending == ".csv":
        return _csv(body, wanted, layout, origin)
    try:
        source = pa.BufferReader(body)
        table = _parquet(source, origin) if ending in (".parquet", ".pq") else _feather(source, origin)
        table.validate(full=True)  # offsets and indices that lie would lead beyond the file's memory
    except (OSError, pa.ArrowException, ValueError) as error:
        raise unreadable(origin, f"it cannot be read: {' '.join(str(error).split())[:200]}") from None
    _find(table.column_names, wanted, origin)
    columns = {name: table[name] for name in wanted}
    return Sheet(columns, table.num_rows, (), lambda row: f"row {row + 1}", lambda row: _written(_values(table, row)))


def _parquet(source: pa.BufferReader, origin: Origin) -> pa.Table:
    """Return the table of a Parquet file, which may hold a great many equal rows in a few bytes."""
    schema = pq.read_schema(source)
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    file = pq.ParquetFile(source, read_dictionary=texts)  # else a long text takes its room once for each row
    _refuse_large(file.metadata.num_rows, 0, origin)
    return pa.Table.from_batches(_bounded(file.iter_batches(), origin), file.schema_arrow)


def _feather(source: pa.BufferReader, origin: Origin) -> pa.Table:
    file = pa.ipc.open_file(source)
    batches = (file.get_batch(number) for number in range(file.num_record_batches))
    return pa.Table.from_batches(_bounded(batches, origin), file.schema)


def _bounded(batches: Iterable[pa.RecordBatch], origin: Origin) -> Iterator[pa.RecordBatch]:
    """Yield batches for as long as they are not too much together."""
    rows = size = 0
    for batch in batches:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        _refuse_large(rows, size, origin)
        yield batch


def _refuse_large(rows: int, size: int, origin: Origin) -> None:
    if rows > _MOST_ROWS:
        raise unreadable(origin, f"it holds more than {_MOST_ROWS:,} rows", "Split the file")
    if size > _MOST_UNPACKED:
        raise unreadable(origin, f"it unpacks to more than {_MOST_UNPACKED:,} bytes", "Split the file")


def _values(table: pa.Table, row: int) -> list[Any]:
    values = [value_of(column[row]) for column in table.columns]
    return [value[:_LONGEST_SHOWN] if isinstance(value, str) else value for value in values]


def _written(values: Sequence[Any]) -> str:
    return json.dumps(list(values), default=str)


def _find(names: Sequence[str], wanted: Sequence[str], origin: Origin) -> list[int]:
    """Return where the wanted columns stand."""
    for name in wanted:
        if names.count(name) != 1:
            problem = "has no column" if name not in names else "has twice the column"
            hint = f"{nearest(name, list(names))}. The feed's `columns` say what they are called"
            raise unreadable(origin, f"it {problem} {name!r}", hint)
    return [names.index(name) for name in wanted]


def _csv(body: bytes, wanted: Sequence[str], layout: tuple[str, str | None], origin: Origin) -> Sheet:
    separator, encoding = layout
    records = _records(_text(body, encoding, origin), separator)
    place, header = next(records, ("", []))
    if not isinstance(header, list) or not header:
        raise unreadable(origin, "it has no header line")
    names = [name.strip() for name in header]
    positions = _find(names, wanted, origin)
    rows, places, torn = [], [], []
    for place, record in records:
        wrong = _wrong(record, len(names))
        if wrong is None:
            rows.append(record)
            places.append(place)
        else:
            text = record if isinstance(record, str) else _written(record)
            torn.append(origin.reject(*wrong, place, text))
    columns = {name: [row[position] for row in rows] for name, position in zip(wanted, positions, strict=True)}
    return Sheet(columns, len(rows), tuple(torn), lambda row: places[row], lambda row: _written(rows[row]))


def _text(body: bytes, encoding: str | None, origin: Origin) -> str:
    """Return the text of a file, UTF-8 unless declared; what is no UTF-8 spoils its row, not the file."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
        if name in ("utf-8", "utf-8-sig"):
            return body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
        return body.decode(name).removeprefix("\ufeff")  # which utf-16-le and its like leave standing
    except (UnicodeError, LookupError) as error:
        raise unreadable(origin, f"it is not {encoding} text: {error}") from None


def _records(text: str, separator: str) -> Iterator[tuple[str, list[str] | str]]:
    """Yield each record with its line; one that cannot be taken apart as the reason why. Blank lines are no records."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {line}", f"{error} (lines {line} to {reader.line_num})"
            continue
        if record:
            yield f"line {line}", record


def _wrong(record: list[str] | str, width: int) -> tuple[Reason, str] | None:
    if isinstance(record, str):
        return Reason.MALFORMED_ROW, f"its quotes are wrong, or a field is too long: {record}"
    if any(ord(mark) in _SURROGATES for field in record if not field.isascii() for mark in field):
        return Reason.NON_UTF8, "the row is not UTF-8; declare the feed's `encoding`"
    if len(record) != width:
        return Reason.MALFORMED_ROW, f"the row has {len(record)} fields, the header {width}"
    return None
