"""Columns as they come, converted to the declared types: strict where a guess could change what a value means.

Numbers are whole, floating or decimal; moments carry UTC, or are ISO 8601 texts with a zone; days are dates, ISO texts
or midnights. A row is counted from 0 in every message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.config import nearest
from distill_platform.core.utc import ZonelessTimestamp, parse_day, parse_utc
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import BundleTable

_UTC = ("UTC", "Etc/UTC", "+00:00", "Z")
_END_OF_YEAR_9999 = 253_402_300_800_000_000
_DAY = 86_400_000_000
Mask = npt.NDArray[np.bool_]


def converted(column: pa.ChunkedArray, field: pa.Field, declared: BundleTable, text_bytes: int) -> pa.Array:
    """Return a column as one array of the declared type, every value of it checked; texts at most `text_bytes` long.

    Raises BundleRefused naming file, column and row.
    """
    place = _Place(declared, field.name)
    column = _decoded(column, place, text_bytes)
    if column.null_count and field.name not in declared.nullable:
        place.refuse_where(
            RefusalReason.NULL_VALUE, _mask(pc.is_null(column)), "has no value", "Fill it or leave it out"
        )
    if pa.types.is_null(column.type):  # nothing but gaps, or no rows at all
        return column.cast(field.type).combine_chunks()
    array = _converter(field.type)(column, field.type, place)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


class _Place:
    """Where a value stands, and how that is said."""

    def __init__(self, declared: BundleTable, name: str) -> None:
        self.declared = declared
        self.name = name

    def __str__(self) -> str:
        return f"{self.declared.file}: column {self.name!r}"

    def refused(self, reason: RefusalReason, message: str, hint: str) -> BundleRefused:
        return BundleRefused(reason, f"{self}{message}", hint=hint)

    def refuse_where(self, reason: RefusalReason, bad: Mask, said: str, hint: str) -> None:
        """Refuse the first row where `bad` holds."""
        if bad.any():
            more = f" ({int(bad.sum()):,} such rows)" if bad.sum() > 1 else ""
            raise self.refused(reason, f", row {int(np.argmax(bad))}: {said}{more}", hint)

    def wrong_type(self, found: pa.DataType, wanted: str) -> BundleRefused:
        return self.refused(RefusalReason.COLUMN_TYPE, f" is {shown(str(found))}", f"Write {wanted}")


def _decoded(column: pa.ChunkedArray, place: _Place, text_bytes: int) -> pa.ChunkedArray:
    """Return a column of texts as plain texts, other columns as they are."""
    kind = column.type
    if not pa.types.is_dictionary(kind):
        return column
    if not (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)):
        raise place.wrong_type(kind, "plain values")
    for chunk in column.chunks:
        _refuse_texts(chunk.dictionary, place, text_bytes)
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise place.refused(RefusalReason.PARQUET_UNREADABLE, f": {error}", "Write the file again") from None


def _refuse_texts(values: pa.Array, place: _Place, text_bytes: int) -> None:
    try:
        values.validate(full=True)
    except pa.ArrowException:
        raise place.refused(RefusalReason.INVALID_VALUE, " holds text that is not UTF-8", "Write it as UTF-8") from None
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if longest > text_bytes:
        message = f" holds a text of {longest:,} bytes, more than {text_bytes:,}"
        raise place.refused(RefusalReason.TOO_LARGE, message, "Shorten it")


def _converter(kind: pa.DataType) -> Callable[[pa.ChunkedArray, pa.DataType, _Place], pa.ChunkedArray | pa.Array]:
    if pa.types.is_timestamp(kind):
        return _moments
    if pa.types.is_date(kind):
        return _days
    return _texts if pa.types.is_string(kind) else _numbers


def _numbers(column: pa.ChunkedArray, kind: pa.DataType, place: _Place) -> pa.ChunkedArray:
    wanted = "whole numbers" if pa.types.is_integer(kind) else "64-bit floats"
    if place.name in place.declared.numbered and pa.types.is_string(column.type):
        return _numbers_of_names(column).cast(kind)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        raise place.wrong_type(column.type, wanted)
    if pa.types.is_floating(column.type):
        infinite = ~_mask(pc.is_finite(column).fill_null(True))
        place.refuse_where(RefusalReason.NON_FINITE_VALUE, infinite, "is NaN or infinite", "Write finite numbers only")
    numbers = _cast(column, kind, place, wanted)
    values = numbers.to_numpy()
    if place.name in place.declared.positive:
        place.refuse_where(
            RefusalReason.NOT_POSITIVE, values <= 0, "is not above zero", "Write a size, not a direction"
        )
    if place.name in place.declared.non_negative:
        place.refuse_where(RefusalReason.NEGATIVE_VALUE, values < 0, "is below zero", "Costs and counts are positive")
    return numbers


def _numbers_of_names(column: pa.ChunkedArray) -> pa.Array:
    return pc.dictionary_encode(column).combine_chunks().indices


def _moments(column: pa.ChunkedArray, kind: pa.DataType, place: _Place) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_string(column.type):
        return pa.array([_moment(text, row, place) for row, text in enumerate(column.to_pylist())], kind)
    if not pa.types.is_timestamp(column.type):
        raise place.wrong_type(column.type, "timestamps in UTC")
    if column.type.tz is None:
        message = " has time stamps without a zone"
        raise place.refused(RefusalReason.ZONELESS_TIMESTAMP, message, "Write timestamps with the zone UTC")
    if column.type.tz not in _UTC:
        raise place.wrong_type(column.type, "timestamps in UTC")
    moments = _cast(column, kind, place, "timestamps of whole microseconds")
    since_1970 = moments.cast(pa.int64()).to_numpy()
    strange = (since_1970 < 0) | (since_1970 >= _END_OF_YEAR_9999)
    place.refuse_where(RefusalReason.INVALID_VALUE, strange, "lies outside the years 1970 to 9999", "Look at its unit")
    return moments


def _moment(text: str, row: int, place: _Place) -> Any:
    try:
        return parse_utc(text)
    except ZonelessTimestamp as error:
        message = f", row {row}: {error}"
        raise place.refused(RefusalReason.ZONELESS_TIMESTAMP, message, "Write it with Z at its end") from None
    except ValueError:
        message = f", row {row}: {shown(text)} is not a time stamp"
        raise place.refused(RefusalReason.INVALID_VALUE, message, "Write it like 2026-04-20T16:00:00Z") from None


def _days(column: pa.ChunkedArray, kind: pa.DataType, place: _Place) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_string(column.type):
        return pa.array([_day(text, row, place) for row, text in enumerate(column.to_pylist())], kind)
    if pa.types.is_timestamp(column.type) and column.type.tz in (None, *_UTC):
        microseconds = _cast(column, pa.timestamp("us", column.type.tz), place, "days").cast(pa.int64()).to_numpy()
        late = microseconds % _DAY != 0
        place.refuse_where(RefusalReason.INVALID_VALUE, late, "is not midnight", "Write a date, not a moment")
        numbers = microseconds // _DAY
    elif pa.types.is_date(column.type):
        numbers = _cast(column, pa.date32(), place, "days").cast(pa.int32()).to_numpy()
    else:
        raise place.wrong_type(column.type, "days: dates, or texts like 2026-04-20")
    strange = (numbers < 0) | (numbers >= _END_OF_YEAR_9999 // _DAY)
    place.refuse_where(RefusalReason.INVALID_VALUE, strange, "lies outside the years 1970 to 9999", "Look at its unit")
    return pa.array(numbers.astype(np.int32)).cast(kind)


def _day(text: str, row: int, place: _Place) -> Any:
    try:
        return parse_day(text)
    except ValueError as error:
        raise place.refused(RefusalReason.INVALID_VALUE, f", row {row}: {error}", "Write YYYY-MM-DD") from None


def _texts(column: pa.ChunkedArray, kind: pa.DataType, place: _Place) -> pa.ChunkedArray:
    if pa.types.is_integer(column.type) and place.name in place.declared.named:
        return column.cast(kind)
    if not pa.types.is_string(column.type):
        raise place.wrong_type(column.type, "texts")
    if place.name not in place.declared.nullable:
        empty = _mask(pc.equal(column, ""))
        place.refuse_where(RefusalReason.INVALID_VALUE, empty, "is empty", "Give it a name")
    return _worded(column, place)


def _worded(column: pa.ChunkedArray, place: _Place) -> pa.ChunkedArray:
    """Return a column whose values are all among its words, if it has any, in lower case where any will do."""
    words = place.declared.words.get(place.name)
    if words is None:
        return column
    if place.name in place.declared.any_case:
        column = pc.ascii_lower(column)
    strange = ~_mask(pc.is_in(column, value_set=pa.array(list(words), pa.string())))
    if strange.any():
        found = column[int(np.argmax(strange))].as_py()
        hint = nearest(found[:200], list(words))
        place.refuse_where(RefusalReason.INVALID_VALUE, strange, f"{shown(found)} is no {place.name}", hint)
    return column


def _cast(column: pa.ChunkedArray, kind: pa.DataType, place: _Place, wanted: str) -> pa.ChunkedArray:
    try:
        return column.cast(kind)
    except pa.ArrowException as error:
        message = f" cannot be read as {kind}: {str(error)[:200]}"
        raise place.refused(RefusalReason.COLUMN_TYPE, message, f"Write {wanted}") from None


def _mask(values: pa.ChunkedArray) -> Mask:
    return np.asarray(values.to_numpy(), dtype=bool)
