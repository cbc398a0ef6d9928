"""Moments: the ends of bars, from the `ts` or the `date` column of a user's file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import SourceError
from distill_platform.core.utc import EARLIEST, parse_day, parse_utc
from distill_platform.strategies.market.refused_rows import refuse_rows

Stamps = npt.NDArray[np.int64]

_DAY = 86_400 * 10**9
_MICROSECOND = timedelta(microseconds=1)
_MOMENTS = "Write it with its zone, like 2026-04-20T16:00:00Z; in a table, make the column a UTC time stamp"
_DAYS = "Write it like 2026-04-20; a bar that covers less than a day has `ts`, its end, instead"


def bar_ends(table: pa.Table, path: Path) -> Stamps:
    """Return the end of each row's bar in nanoseconds since 1970, UTC; a `date` ends at the midnight after it.

    Raises SourceError naming the row of a moment that is missing, not one, without a zone, or before 1970.
    """
    if "date" in table.column_names:
        return _days(table["date"], path) + _DAY
    column = table["ts"]
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            raise SourceError(f"{path}: `ts` has no zone: nobody can say which moments it means", hint=_MOMENTS)
        return _nanoseconds(column, path)
    return _parsed(column, parse_utc, "ts", _MOMENTS, path)


def _days(column: pa.ChunkedArray, path: Path) -> Stamps:
    """Return the midnight that begins each day."""
    if pa.types.is_date(column.type):
        return _nanoseconds(column.cast(pa.timestamp("s")), path)
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        midnights = _nanoseconds(column, path)
        refuse_rows(midnights % _DAY != 0, "`date` is not a whole day", path, _DAYS)
        return midnights
    return _parsed(column, lambda text: datetime.fromisoformat(f"{parse_day(text)}T00:00Z"), "date", _DAYS, path)


def _nanoseconds(column: pa.ChunkedArray, path: Path) -> Stamps:
    refuse_rows(pc.is_null(column).to_numpy(), "the bar has no time", path)
    try:
        stamps: Stamps = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        raise SourceError(f"{path}: a bar's time is beyond the year 2262") from None
    refuse_rows(stamps < 0, "the bar lies before 1970", path)
    return stamps


def _parsed(column: pa.ChunkedArray, parse: Callable[[str], datetime], name: str, hint: str, path: Path) -> Stamps:
    """Return the moments of a column of text; each text is parsed once, however many rows have it."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise SourceError(f"{path}: `{name}` holds {column.type}, not moments", hint=hint)
    refuse_rows(pc.is_null(column).to_numpy(), "the bar has no time", path)
    encoded = column.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    stamps = np.zeros(len(encoded.dictionary), np.int64)
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            stamps[place] = (parse(text) - EARLIEST) // _MICROSECOND * 1000
        except (ValueError, OverflowError) as error:
            refuse_rows(codes == place, f"`{name}`: {error}", path, hint)
    found: Stamps = stamps[codes]
    return found
