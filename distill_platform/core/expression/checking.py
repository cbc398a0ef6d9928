"""Checks a tree against the declared names and kinds, before any value is seen."""

from __future__ import annotations

from collections.abc import Mapping

from distill_platform.core.errors import ExpressionError
from distill_platform.core.expression.kinds import Kind
from distill_platform.core.expression.nodes import Both, Compare, Either, Literal, Member, Name, Node, Not
from distill_platform.core.expression.wording import nearest_name


def check(tree: Node, text: str, kinds: Mapping[str, Kind], aliases: Mapping[str, str]) -> dict[str, str]:
    """Return the canonical name behind every spelling used; raise ExpressionError where names or kinds do not fit.

    A rule without any name is refused too: whatever it says, no data could ever make it fail.
    """
    checker = _Checker(text, kinds, aliases)
    checker.require_boolean(tree, "the result")
    if not checker.canonical:
        start = len(text) - len(text.lstrip()) + 1
        hint = "Compare at least one name with something."
        raise ExpressionError("the expression looks at no data", text=text, column=start, hint=hint)
    return checker.canonical


class _Checker:
    def __init__(self, text: str, kinds: Mapping[str, Kind], aliases: Mapping[str, str]) -> None:
        self._text = text
        self._kinds = kinds
        self._aliases = aliases
        self.canonical: dict[str, str] = {}

    def require_boolean(self, node: Node, role: str, hint: str = "Compare it with something.") -> None:
        kind = self._kind(node)
        if kind != Kind.BOOLEAN:
            raise self._error(f"{role} must be true or false, but {_shown(node)} is a {kind}", node.column, hint)

    def _kind(self, node: Node) -> Kind:
        match node:
            case Literal():
                return node.kind
            case Name():
                return self._name(node)
            case Not():
                self.require_boolean(node.operand, "what follows `!`", "To negate a comparison write `!(a < b)`.")
            case Both() | Either():
                symbol = "&&" if isinstance(node, Both) else "||"
                for part in node.parts:
                    self.require_boolean(part, f"each side of `{symbol}`")
            case Compare():
                self._compare(node)
            case Member():
                self._member(node)
        return Kind.BOOLEAN

    def _name(self, node: Name) -> Kind:
        # A declared name always means itself; an alias only adds spellings, it cannot redirect one.
        canonical = node.name if node.name in self._kinds else self._aliases.get(node.name, node.name)
        if canonical not in self._kinds:
            spellings = {spelling for spelling, target in self._aliases.items() if target in self._kinds}
            hint = nearest_name(node.name, {*self._kinds, *spellings})
            raise self._error(f"the name `{node.name}` is not known", node.column, hint)
        self.canonical[node.name] = canonical
        return self._kinds[canonical]

    def _compare(self, node: Compare) -> None:
        left, right = self._kind(node.left), self._kind(node.right)
        if left != right:
            sides = f"{_shown(node.left)} is a {left} and {_shown(node.right)} is a {right}"
            raise self._error(f"`{node.operator}` needs two sides of one kind, but {sides}", node.column)
        if left == Kind.BOOLEAN and node.operator not in ("==", "!="):
            raise self._error(f"`{node.operator}` cannot order booleans", node.column, "Use `==` or `!=`.")

    def _member(self, node: Member) -> None:
        expected = self._kind(node.operand)
        for choice in node.choices:
            if choice.kind != expected:
                found = f"{_shown(node.operand)} is a {expected}, but {_shown(choice)} is a {choice.kind}"
                raise self._error(f"all entries of the list must fit: {found}", choice.column)

    def _error(self, message: str, column: int, hint: str = "") -> ExpressionError:
        return ExpressionError(message, text=self._text, column=column, hint=hint)


def _shown(node: Node) -> str:
    if isinstance(node, Name):
        return f"`{node.name}`"
    if isinstance(node, Literal):
        return f"`{str(node.value).lower()}`" if isinstance(node.value, bool) else f"`{node.value!r}`"
    return "this part"
