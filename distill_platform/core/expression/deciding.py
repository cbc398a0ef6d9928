"""Turns a checked tree into nested closures over a list of values.

All values are present and of the right kind by then, so this is plain two-valued logic and may short-circuit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from distill_platform.core.expression.kinds import Scalar
from distill_platform.core.expression.nodes import Both, Compare, Either, Literal, Member, Name, Node, Not

Values = Sequence[Scalar | None]
Decide = Callable[[Values], Any]

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def closure(node: Node, slots: Mapping[str, int]) -> Decide:
    """Return the function that computes `node` from values in which name N stands at index `slots[N]`."""
    match node:
        case Literal(value):
            return lambda values: value
        case Name(name):
            return operator.itemgetter(slots[name])
        case Not():
            operand = closure(node.operand, slots)
            return lambda values: not operand(values)
        case Compare():
            return _comparison(node, slots)
        case Member():
            return _membership(node, slots)
        case Both() | Either():
            return _connective(node, slots)


def _comparison(node: Compare, slots: Mapping[str, int]) -> Decide:
    test = _TESTS[node.operator]
    if isinstance(node.left, Name) and isinstance(node.right, Literal):  # nearly every rule; saves two calls
        slot, limit = slots[node.left.name], node.right.value
        return lambda values: test(values[slot], limit)
    left, right = closure(node.left, slots), closure(node.right, slots)
    return lambda values: test(left(values), right(values))


def _membership(node: Member, slots: Mapping[str, int]) -> Decide:
    # Python hashes and compares 1 and 1.0 alike and exactly, so a set means the same as comparing one by one.
    choices = frozenset(choice.value for choice in node.choices)
    operand = closure(node.operand, slots)
    return lambda values: operand(values) in choices


def _connective(node: Both | Either, slots: Mapping[str, int]) -> Decide:
    parts = tuple(closure(part, slots) for part in node.parts)
    if len(parts) == 2:
        first, second = parts
        if isinstance(node, Both):
            return lambda values: first(values) and second(values)
        return lambda values: first(values) or second(values)
    if isinstance(node, Both):
        return lambda values: all(part(values) for part in parts)
    return lambda values: any(part(values) for part in parts)
