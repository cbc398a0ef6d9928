"""Parses tokens into nodes by recursive descent, loosest operator first: `||`, `&&`, comparisons and `in`, `!`.

These are CEL's precedences. Chains of `&&` and `||` are loops here; only parentheses and `!` recurse, at most
MAX_DEPTH deep, so no text can exhaust the stack, neither in parsing nor in anything that later walks the tree.
"""

from __future__ import annotations

from collections.abc import Callable

from distill_platform.core.errors import ExpressionError
from distill_platform.core.expression.nodes import Both, Compare, Either, Literal, Member, Name, Node, Not
from distill_platform.core.expression.tokens import Token, TokenType, scan

MAX_DEPTH = 32

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_RELATIONS = _COMPARISONS | {"in"}


def parse(text: str) -> Node:
    """Return the tree of `text`; raise ExpressionError at the first token that does not fit."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = scan(text)
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._peek().type is TokenType.END:
            raise self._error("the expression is empty", self._tokens[0], "Write a comparison.")
        node = self._either()
        if self._peek().type is not TokenType.END:
            raise self._unexpected_after_operand()
        return node

    def _either(self) -> Node:
        return self._chain("||", self._both, Either)

    def _both(self) -> Node:
        return self._chain("&&", self._relation, Both)

    def _chain(self, symbol: str, part: Callable[[], Node], make: type[Both] | type[Either]) -> Node:
        parts = [part()]
        column = self._peek().column
        while self._take(symbol):
            parts.append(part())
        return make(tuple(parts), column) if len(parts) > 1 else parts[0]

    def _relation(self) -> Node:
        left = self._negation()
        if not self._at(_RELATIONS):
            return left
        symbol = self._advance()
        node = self._member(left, symbol) if symbol.text == "in" else self._compare(left, symbol)
        if self._at(_RELATIONS):
            hint = "Write `a < b && b < c`, or put the first comparison in parentheses."
            raise self._error("comparisons cannot be chained", self._peek(), hint)
        return node

    def _compare(self, left: Node, symbol: Token) -> Node:
        return Compare(symbol.text, left, self._negation(), symbol.column)

    def _member(self, operand: Node, symbol: Token) -> Node:
        if not self._take("["):
            raise self._error("`in` needs a list of literals", self._peek(), "Write `name in ['a', 'b']`.")
        choices = [self._choice()]
        while self._take(","):
            choices.append(self._choice())
        if not self._take("]"):
            raise self._error("expected `,` or `]` in the list", self._peek())
        return Member(operand, tuple(choices), symbol.column)

    def _choice(self) -> Literal:
        token = self._peek()
        if token.type is not TokenType.LITERAL:
            empty = token.text == "]" and self._tokens[self._next - 1].text == "["
            raise self._error("the list is empty" if empty else "a list may contain only literals", token)
        self._advance()
        return Literal(token.value, token.column)

    def _negation(self) -> Node:
        token = self._peek()
        if not self._take("!"):
            return self._operand()
        self._enter(token)
        operand = self._negation()
        self._depth -= 1
        return Not(operand, token.column)

    def _operand(self) -> Node:
        token = self._advance()
        if token.type is TokenType.LITERAL:
            return Literal(token.value, token.column)
        if token.type is TokenType.NAME:
            return Name(token.text, token.column)
        if token.text == "(" and token.type is TokenType.SYMBOL:
            return self._parenthesised(token)
        raise self._not_an_operand(token)

    def _parenthesised(self, opening: Token) -> Node:
        self._enter(opening)
        node = self._either()
        if self._peek().type is TokenType.END:
            raise self._error(f"the `(` at column {opening.column} is never closed", self._peek())
        if not self._take(")"):
            raise self._unexpected_after_operand()
        self._depth -= 1
        return node

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"the expression is nested more than {MAX_DEPTH} deep"
            raise self._error(message, token, "Split it into several rules.")

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        token = self._tokens[self._next]
        if token.type is not TokenType.END:  # the end stays in view, however often it is asked for
            self._next += 1
        return token

    def _at(self, symbols: frozenset[str]) -> bool:
        token = self._peek()
        return token.type is TokenType.SYMBOL and token.text in symbols

    def _take(self, symbol: str) -> bool:
        found = self._at(frozenset({symbol}))
        if found:
            self._next += 1
        return found

    def _not_an_operand(self, token: Token) -> ExpressionError:
        if token.type is TokenType.END:
            return self._error("the expression ends where a value is due", token)
        hint = "A list may stand only after `in`." if token.text == "[" else ""
        return self._error(f"expected a name, a literal or `(`, found `{token.text}`", token, hint)

    def _unexpected_after_operand(self) -> ExpressionError:
        token, before = self._peek(), self._tokens[self._next - 1]
        if token.text == "(" and before.type is TokenType.NAME:
            return self._error(f"`{before.text}(` looks like a call; calls are not part of the language", token)
        if token.text == "[":
            return self._error("indexing is not part of the language", token, "Write `in` before a list.")
        if token.text == ")":
            return self._error("this `)` closes nothing", token)
        return self._error(f"expected `&&`, `||` or a comparison, found `{token.text}`", token)

    def _error(self, message: str, token: Token, hint: str = "") -> ExpressionError:
        return ExpressionError(message, text=self._text, column=token.column, hint=hint)
