"""Explains text that other languages accept and this one does not.

People write rules with Python, SQL or full CEL in their fingers. Each refusal names the spelling that works.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from distill_platform.core.errors import ExpressionError

_MISSPELT = re.compile(r"===|!==|<>|=>|=<|=(?!=)|&(?!&)|\|(?!\|)")
_MEANT = {"===": "==", "!==": "!=", "<>": "!=", "=>": ">=", "=<": "<=", "=": "==", "&": "&&", "|": "||"}
_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "==", "true": "true", "false": "false"}
_NOTHING = ("null", "none", "nil", "nan", "undefined")
_OTHER = {
    **dict.fromkeys("+-*/%", "arithmetic is not part of the language"),
    **dict.fromkeys("?:", "the conditional `? :` is not part of the language"),
    **dict.fromkeys("{}", "maps are not part of the language"),
    ".": "a dot must stand between two parts of a name, each starting with a letter or underscore",
}
_CURLY = "\u2018\u2019\u201c\u201d\u00ab\u00bb`"


def refuse_misspelt(text: str, position: int) -> None:
    """Return nothing where no foreign operator starts at index `position`; raise ExpressionError where one does."""
    if found := _MISSPELT.match(text, position):
        operator = found.group()
        hint = f"Write `{_MEANT[operator]}`."
        raise ExpressionError(f"`{operator}` is not an operator", text=text, column=position + 1, hint=hint)


def refuse_foreign_word(text: str, word: str, position: int) -> None:
    """Return nothing for an ordinary name; raise ExpressionError for `and`, `or`, `not`, `True`, `null` and kin."""
    lower = word.lower()
    if lower in _NOTHING:
        hint = "A missing value makes the whole rule unknown by itself: remove this comparison."
        message = f"`{word}` cannot be compared with"
        raise ExpressionError(message, text=text, column=position + 1, hint=hint)
    if lower in _WORDS:
        hint = "Write `!(name in [...])` or `!name`." if lower == "not" else f"Write `{_WORDS[lower]}`."
        message = f"`{word}` is not part of the language"
        raise ExpressionError(message, text=text, column=position + 1, hint=hint)


def stray_character(text: str, position: int, *, after_operand: bool) -> ExpressionError:
    """Return the error for a character that starts no token."""
    character = text[position]
    hint = ""
    if character == "-" and not after_operand:
        message = "a minus must stand directly in front of a number"
    elif character in _OTHER:
        message = _OTHER[character]
    elif character in _CURLY:
        message, hint = f"`{character}` does not quote a string", "Use straight quotes: ' or \"."
    else:
        shown = f"`{character}`" if character.isprintable() else "the unprintable character"
        message = f"{shown} (U+{ord(character):04X}) is not allowed outside a string"
    return ExpressionError(message, text=text, column=position + 1, hint=hint)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a hint with the known name that `name` most likely stands for, or with some of the known names."""
    names = sorted(known)
    same_leaf = [candidate for candidate in names if candidate.rpartition(".")[2] == name.rpartition(".")[2]]
    # Same leaf first: `attempt` is further from `metadata.attempt` in edits than from `attempts`' neighbours.
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.75) or same_leaf
    near = near or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean `{near[0]}`?"
    if not names:
        return "No names are known here."
    return f"Known names: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
