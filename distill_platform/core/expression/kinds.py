"""What an expression may hold, and what it may conclude."""

from __future__ import annotations

from enum import StrEnum

Scalar = bool | int | float | str
"""A plain Python value of one of the three kinds."""


class Kind(StrEnum):
    """The kind of a value; a boolean is not a number."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"


class Verdict(StrEnum):
    """What an expression concludes; unknown never passes."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
