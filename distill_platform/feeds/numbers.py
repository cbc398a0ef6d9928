"""Numbers: what a source wrote as a price, a volume or a value, read strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

_LONGEST = 64
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)

Floats = npt.NDArray[np.float64]


def read_number(value: Any) -> float:
    """Return a finite number, given as one or as text with a decimal point; NaN for anything else.

    `1,5`, `1_000`, `nan`, `inf`, true and a missing value are not numbers.
    """
    if isinstance(value, str):
        return _finite(float(value)) if len(value) <= _LONGEST and _NUMBER.fullmatch(value) else math.nan
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _finite(value)
    return math.nan


def _finite(value: float | Decimal) -> float:
    try:
        found = float(value)
    except (OverflowError, ValueError):  # a signalling NaN is no float
        return math.nan
    return found if math.isfinite(found) else math.nan


def read_numbers(columns: Sequence[Sequence[Any]]) -> Floats:
    """Return columns of numbers side by side, shape (rows, columns); NaN where there is none."""
    read = [np.fromiter(map(read_number, column), np.float64, len(column)) for column in columns]
    return np.column_stack(read)
