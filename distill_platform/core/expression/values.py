"""Turns what a lookup returned into a plain value of the declared kind, or into None.

None is the one spelling of "unusable" from here on: missing, null, NaN, infinite, beyond 64 bits and wrong kind all
end up there, so the caller has a single case to treat as unknown. Numpy scalars are taken for what they stand for.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from distill_platform.core.expression.kinds import Kind, Scalar

INT_LOW, INT_HIGH = -(2**63), 2**63 - 1

Reader = Callable[[object], Scalar | None]


def reader(kind: Kind) -> Reader:
    """Return the function that accepts values of `kind` and answers None for everything else."""
    return _READERS[kind]


def _number(value: object) -> int | float | None:
    if type(value) is float:  # exact types first: nearly every value is one, and bool must not pass as int
        return value if -math.inf < value < math.inf else None
    if type(value) is int:
        return value if INT_LOW <= value <= INT_HIGH else None
    return _number_subclass(value)


def _number_subclass(value: object) -> int | float | None:
    # timedelta64 is an np.integer to numpy, but a duration is not a bare number.
    if isinstance(value, (bool, np.timedelta64)):
        return None
    if isinstance(value, (int, np.integer)):
        return _number(int(value))
    # longdouble is left out: it does not fit a float, and rounding could turn a near miss into a pass.
    if isinstance(value, (float, np.float32, np.float16)):
        return _number(float(value))
    return None


def _string(value: object) -> str | None:
    if type(value) is str:
        return value
    return str.__str__(value) if isinstance(value, str) else None  # the text itself, whatever an Enum prints


def _boolean(value: object) -> bool | None:
    if value is True or value is False:
        return value
    return bool(value) if isinstance(value, np.bool_) else None


_READERS: dict[Kind, Reader] = {Kind.NUMBER: _number, Kind.STRING: _string, Kind.BOOLEAN: _boolean}
