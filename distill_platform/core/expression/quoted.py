r"""Reads one quoted string, with the part of CEL's escapes that a rule needs.

Quotes and the backslash, because otherwise some texts could not be written; newline, return and tab, because log texts
contain them; \uXXXX and \UXXXXXXXX for every other character. Left out: octal, \x and the bell family, which say the
same less clearly. A character that does not print must be escaped: what a reviewer cannot see must not decide.
"""

from __future__ import annotations

import re
import sys

from distill_platform.core.errors import ExpressionError

_SIMPLE = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_CODE_POINT = re.compile(r"u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")


def read_quoted(text: str, start: int) -> tuple[str, str]:
    """Return the spelling, quotes included, and the value of the string whose opening quote is at index `start`."""
    value: list[str] = []
    position = start + 1
    while position < len(text):
        if text[position] == text[start]:
            return text[start : position + 1], "".join(value)
        character, position = _read_character(text, position)
        value.append(character)
    hint = f"Close it with {text[start]}."
    raise ExpressionError("this string is never closed", text=text, column=start + 1, hint=hint)


def _read_character(text: str, position: int) -> tuple[str, int]:
    character = text[position]
    if character == "\\":
        return _read_escape(text, position)
    if not character.isprintable():
        code = ord(character)
        hint = "" if _is_surrogate(code) else f"Write \\U{code:08X} instead."
        message = f"a string may not contain the unprintable character U+{code:04X}"
        raise ExpressionError(message, text=text, column=position + 1, hint=hint)
    return character, position + 1


def _read_escape(text: str, position: int) -> tuple[str, int]:
    simple = _SIMPLE.get(text[position + 1 : position + 2])
    if simple is not None:
        return simple, position + 2
    if match := _CODE_POINT.match(text, position + 1):
        return _code_point(text, position, int(match[1] or match[2], 16)), match.end()
    hint = r"Known escapes: \\ \' \" \n \r \t \uXXXX \UXXXXXXXX; a plain backslash is \\."
    raise ExpressionError("this is not a known escape", text=text, column=position + 1, hint=hint)


def _code_point(text: str, position: int, code: int) -> str:
    if code > sys.maxunicode or _is_surrogate(code):
        raise ExpressionError(f"U+{code:04X} is not a character", text=text, column=position + 1)
    return chr(code)


def _is_surrogate(code: int) -> bool:
    return 0xD800 <= code <= 0xDFFF
