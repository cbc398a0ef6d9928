"""The parsed shape of an expression.

A leaf's column is where it starts; the column of everything else is that of its operator, which is the token to blame
when two sides do not fit. All columns are 1-based.
"""

from __future__ import annotations

from dataclasses import dataclass

from distill_platform.core.expression.kinds import Kind, Scalar


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out in the rule."""

    value: Scalar
    column: int

    @property
    def kind(self) -> Kind:
        """Return the kind of the written value."""
        if isinstance(self.value, bool):
            return Kind.BOOLEAN
        return Kind.STRING if isinstance(self.value, str) else Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name as the rule spells it, aliases not yet resolved."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`."""

    operand: Node
    column: int


@dataclass(frozen=True, slots=True)
class Both:
    """`a && b && ...`: one flat node per chain, so a long chain is not a deep tree."""

    parts: tuple[Node, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Either:
    """`a || b || ...`, flat like Both."""

    parts: tuple[Node, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right` with one of the six comparisons."""

    operator: str
    left: Node
    right: Node
    column: int


@dataclass(frozen=True, slots=True)
class Member:
    """`operand in [choices]`; the choices are literals."""

    operand: Node
    choices: tuple[Literal, ...]
    column: int


Node = Literal | Name | Not | Both | Either | Compare | Member
