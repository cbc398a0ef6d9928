"""The catalogue as the table of `docs/policy.md`; `python -m distill_platform.policy.catalogue.table` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from distill_platform.policy.catalogue import ALIASES, CATALOGUE, PATTERNS, Metric


def markdown_table() -> str:
    """Return a Markdown table with a line for each metric, in the order of the catalogue."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| metric | unit | better | what it is | made by |"
    yield "|---|---|---|---|---|"
    for found in (*CATALOGUE.values(), *PATTERNS):
        yield f"| {_name(found)} | {found.unit} | {found.direction} | {_definition(found)} | {found.producer} |"


def _name(found: Metric) -> str:
    spellings = [found.name, *(alias for alias, name in ALIASES.items() if name == found.name)]
    return ", also ".join(f"`{spelling}`" for spelling in spellings)


def _definition(found: Metric) -> str:
    return f"{found.definition} ({found.source})" if found.source else found.definition


if __name__ == "__main__":
    sys.stdout.write(markdown_table())
