"""The list of kinds for people: one table for each family, from what the kinds declare."""

from __future__ import annotations

from itertools import groupby

from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds import KINDS
from distill_platform.strategies.kinds.kind import NodeKind


def kinds_table() -> str:
    """Return all kinds as Markdown in the order in which values flow, a table for each family."""
    families = groupby(sorted(KINDS.values(), key=_place), lambda kind: kind.family)
    return "\n\n".join("\n".join([f"### {family}", "", *_HEAD, *map(_row, kinds)]) for family, kinds in families)


def _place(kind: NodeKind) -> tuple[int, str, str]:
    return max(list(SemanticRole).index(role) for role in kind.roles), kind.family, kind.name


_HEAD = ("| kind | inputs | gives | parameters | neutral | returns |", "|---|---|---|---|---|---|")


def _row(kind: NodeKind) -> str:
    inputs = ", ".join(f"{port.name} ({port.schema})" for port in kind.ports) + (", ..." if kind.variadic else "")
    neutral = "" if kind.neutral is None else f"{kind.neutral:g}"
    meaning = kind.summary.removeprefix("Return ").removesuffix(".").replace("|", r"\|")
    return f"| `{kind.name}` | {inputs} | {kind.output} | {_parameters(kind)} | {neutral} | {meaning} |"


def _parameters(kind: NodeKind) -> str:
    fields = kind.params.model_fields.items()
    return ", ".join(
        f"`{name}`" + ("" if field.is_required() else f" = {_word(field.default)}") for name, field in fields
    )


def _word(value: object) -> str:
    return "null" if value is None else str(value)
