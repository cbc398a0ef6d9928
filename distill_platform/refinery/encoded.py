"""Encoded columns: each value once, so that work is done once per value and not once per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Encoded(Generic[T]):
    """A column of n values: row i has `values[numbers[i]]`."""

    numbers: npt.NDArray[np.int64]
    values: Sequence[T]

    @staticmethod
    def of(column: pa.ChunkedArray) -> Encoded[Any]:
        """Return an Arrow column, encoded; each of its values once."""
        encoded = column.combine_chunks().dictionary_encode("encode")
        return Encoded(encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist())

    def mapped(self, function: Callable[[T], U]) -> Encoded[U]:
        """Return the column of what the function makes of each value."""
        return Encoded(self.numbers, [function(value) for value in self.values])

    def decoded(self) -> Iterator[T]:
        """Yield the values, row by row."""
        return map(self.values.__getitem__, self.numbers.tolist())

    def array(self, kind: pa.DataType) -> pa.Array:
        """Return the values, row by row, as an Arrow array."""
        return pa.array(self.values, kind).take(pa.array(self.numbers))
