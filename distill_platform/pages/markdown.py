"""Markdown: foreign text is written so that it can start no table cell, link, tag or line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from distill_platform.pages.wording import visible

_SPECIAL = re.compile(
    r"[\\`*\[\]<>#|~&@$]|:(?=//)|(?<=www)\.|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=](?![\d.])|^\d+(?=[.)]\s)"
)


def escaped(text: object) -> str:
    """Return foreign text as one line of Markdown that means nothing but itself."""
    return literal(visible(text))


def literal(text: str) -> str:
    """Return one line of text, without invisible characters already, so that Markdown reads it as nothing but text."""
    return _SPECIAL.sub(lambda found: _backslashed(found[0]), text)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "") -> str:
    """Return a table of foreign cells under a head of our own; `empty` in its place where there is no row."""
    body = [[escaped(cell) for cell in row] for row in rows]
    if not body:
        return empty
    lines = [list(head), ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _backslashed(found: str) -> str:
    return f"{found}\\" if found.isdigit() else f"\\{found}"
