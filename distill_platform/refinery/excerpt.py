"""Excerpts: source text as a person may see it in a terminal. Nothing in it acts on the terminal, no secret shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.refinery.screening.pii import redact
from distill_platform.refinery.screening.secrets import find_secrets

LIMIT = 160
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSAFE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def excerpt(text: str, limit: int = LIMIT) -> str:
    """Return the start of a text on one line: control and invisible characters escaped, secrets and people hidden."""
    hidden = find_secrets([text])[0]
    return masked(hidden) if hidden else shortened(_without_people(text[: 4 * limit]), limit, len(text))


def masked(secrets: tuple[str, ...] | list[str]) -> str:
    """Return what stands in place of a text that holds secrets: the names of the patterns, never a value."""
    return f"(hidden: it holds {', '.join(secrets)})"


def shortened(text: str, limit: int, length: int = 0) -> str:
    """Return at most `limit` visible characters of a text whose whole length is `length`, and how many are left out."""
    shown = "".join(map(_visible, text[:limit]))
    left_out = max(length, len(text)) - limit
    return f"{shown}… (+{left_out:,} characters)" if left_out > 0 else shown


def line_excerpt(raw: bytes, limit: int = LIMIT) -> str:
    """Return the start of a source line; it is hidden when the line, or any string in it, holds a secret."""
    text = raw.decode("utf-8", "backslashreplace")
    hidden = sorted({name for found in find_secrets([text, *_strings(raw)]) for name in found})
    return masked(hidden) if hidden else shortened(_without_people(text[: 4 * limit]), limit, len(raw))


def _without_people(text: str) -> str:
    found = redact([text])[0]
    return found[0] if found else text


def _visible(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if unicodedata.category(char) not in _UNSAFE:
        return char
    return f"\\u{ord(char):04x}" if ord(char) > 0xFF else f"\\x{ord(char):02x}"


def _strings(raw: bytes) -> list[str]:
    """Return the strings of a JSON line as they read: a secret may hide behind JSON's escapes."""
    try:
        return list(_walk(canon.parse(raw)))
    except CanonError:
        return []


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    children = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _walk(child)
