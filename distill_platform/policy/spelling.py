"""Reads a word of a file as one of a closed list."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BeforeValidator

from distill_platform.core.config import nearest

Word = TypeVar("Word", bound=StrEnum)


def word_of(kind: type[Word]) -> BeforeValidator:
    """Return the validator that takes the plain word of a file for one of `kind`, and names the nearest otherwise."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in set(kind):
            raise ValueError(f"{value!r} is not one of {', '.join(kind)}. {nearest(value, list(kind))}")
        return kind(value)

    return BeforeValidator(read)
