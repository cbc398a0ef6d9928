"""The table: rows as Markdown that lines up in a terminal too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def to_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with all columns but the first to the right."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [_padded(line, widths) for line in lines]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def times(ratio: float) -> str:
    """Return a ratio as it stands in a cell."""
    return f"{ratio:.2f}x"


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
    return [line[0].ljust(len(first)), *others]
