"""Arrow values: what the columns of somebody else's file hold, as Python has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_UNSHOWABLE = (ValueError, OverflowError, KeyError, NotImplementedError)


def listed(column: Sequence[Any] | pa.ChunkedArray) -> Sequence[Any]:
    """Return the values of a column; those that Python has no value for, like the year 300,000, as what they are."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if pa.types.is_dictionary(column.type):
        return [value for chunk in column.chunks for value in _decoded(chunk)]
    try:
        values: list[Any] = column.to_pylist()
    except _UNSHOWABLE:
        return [value_of(scalar) for scalar in column]
    return values


def _decoded(chunk: pa.DictionaryArray) -> list[Any]:
    """Return the values of a chunk, each different one made once."""
    values = listed(pa.chunked_array([chunk.dictionary]))
    return [None if index is None else values[index] for index in chunk.indices.to_pylist()]


def value_of(value: Any) -> Any:
    """Return what an Arrow scalar, or anything else, is in Python; a text that says its type where that is nothing."""
    if not isinstance(value, pa.Scalar):
        return value
    try:
        return value.as_py()
    except _UNSHOWABLE:
        return f"a {value.type} that cannot be shown"
