"""Cuts a rule's text into tokens, and says what is wrong with text that is not one.

Most mistakes people make (`and`, `=`, `null`, `x + 1`, curly quotes) are already visible here, so their explanations
live here too: see `wording`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from distill_platform.core.errors import ExpressionError
from distill_platform.core.expression import wording
from distill_platform.core.expression.kinds import Scalar
from distill_platform.core.expression.quoted import read_quoted
from distill_platform.core.expression.values import INT_HIGH, INT_LOW

MAX_CHARACTERS = 2_000

_BLANK = re.compile(r"[ \t\r\n]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+")
_SYMBOL = re.compile(r"&&|\|\||==|!=|<=|>=|[<>!()\[\],]")
_NUMBER_RUNS_ON = re.compile(r"[A-Za-z0-9_.]")


class TokenType(StrEnum):
    """What a token is; `in` is a symbol, `true` and `false` are literals."""

    NAME = "name"
    LITERAL = "literal"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its spelling, its 1-based column and, for a literal, its value."""

    type: TokenType
    text: str
    column: int
    value: Scalar = False

    @property
    def ends_operand(self) -> bool:
        """Return whether an operand may end here, so that an operator is due next."""
        return self.type in (TokenType.NAME, TokenType.LITERAL) or self.text in (")", "]")


def scan(text: str) -> tuple[Token, ...]:
    """Return the tokens of `text`, the last one of type END; raise ExpressionError where it cannot be cut."""
    if len(text) > MAX_CHARACTERS:
        message = f"the expression has {len(text):,} characters, more than {MAX_CHARACTERS:,}"
        raise ExpressionError(message, text=text, column=MAX_CHARACTERS + 1, hint="Split it into several rules.")
    tokens = [Token(TokenType.SYMBOL, "", 0)]  # a start mark, so that there always is a previous token
    position = _skip_blank(text, 0)
    while position < len(text):
        token = _next_token(text, position, tokens[-1])
        tokens.append(token)
        position = _skip_blank(text, position + len(token.text))
    return (*tokens[1:], Token(TokenType.END, "", len(text) + 1))


def _skip_blank(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _next_token(text: str, position: int, previous: Token) -> Token:
    wording.refuse_misspelt(text, position)
    if text[position] in "'\"":
        spelling, value = read_quoted(text, position)
        return Token(TokenType.LITERAL, spelling, position + 1, value)
    if name := _NAME.match(text, position):
        return _word(text, name.group(), position)
    if symbol := _SYMBOL.match(text, position):
        return Token(TokenType.SYMBOL, symbol.group(), position + 1)
    # Directly after an operand a minus would be a subtraction, which the language does not have.
    number = _NUMBER.match(text, position)
    if number and not (text[position] == "-" and previous.ends_operand):
        return _number(text, number.group(), position)
    raise wording.stray_character(text, position, after_operand=previous.ends_operand)


def _word(text: str, word: str, position: int) -> Token:
    if word in ("true", "false"):
        return Token(TokenType.LITERAL, word, position + 1, word == "true")
    if word == "in":
        return Token(TokenType.SYMBOL, word, position + 1)
    wording.refuse_foreign_word(text, word, position)
    return Token(TokenType.NAME, word, position + 1)


def _number(text: str, spelling: str, position: int) -> Token:
    problem = ""
    digits = spelling.lstrip("-")
    integer = _INTEGER.fullmatch(spelling)
    value: int | float = int(spelling) if integer else float(spelling)
    if _NUMBER_RUNS_ON.match(text, position + len(spelling)):
        problem = "this number is malformed; write it like 12, -3, 0.5 or 1e6"
    elif len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        problem = f"the number {spelling} starts with a needless 0"
    elif integer and not INT_LOW <= value <= INT_HIGH:
        problem = "this integer does not fit into 64 bits"
    elif math.isinf(value):
        problem = f"the number {spelling} is too large and would become infinite"
    elif value == 0 and re.search("[1-9]", re.split("[eE]", spelling)[0]):
        problem = f"the number {spelling} is too small and would become 0"
    if problem:
        raise ExpressionError(problem, text=text, column=position + 1)
    return Token(TokenType.LITERAL, spelling, position + 1, value)
