"""Words: where a text's words begin and end, whatever its script, and what they are compared by."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from dataclasses import dataclass

_SHORTEST_STEM = 3
_REMEMBERED = 20_000
_ENDINGS = (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))
_NO_PLURAL = ("ss", "us", "is")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text, at text[start:end]; `folded` is the same in lower and upper case."""

    text: str
    folded: str
    start: int
    end: int


@functools.lru_cache(maxsize=_REMEMBERED)
def split_words(text: str) -> tuple[Word, ...]:
    """Return the words of a text in order.

    Letters, digits, the marks on them and underscores make a word; a point between them stays inside, so that
    `bitcoin.org` and `1.5` are one word each, and a comma stays inside a number. An apostrophe ends a word.
    """
    return tuple(Word(found[0], found[0].casefold(), found.start(), found.end()) for found in _word().finditer(text))


@functools.lru_cache(maxsize=100_000)
def stem(folded: str) -> str:
    """Return what the forms of an English word have in common: `rallies` and `rallied` give what `rally` gives.

    What comes out need not be a word; it is only ever compared with other stems.
    """
    for ending, instead in _ENDINGS:
        if folded.endswith(ending) and not folded.endswith(_NO_PLURAL):
            if len(folded) - len(ending) >= _SHORTEST_STEM:
                folded = folded.removesuffix(ending) + instead
            break
    folded = folded.removesuffix("e") if len(folded) > _SHORTEST_STEM else folded
    doubled = len(folded) > _SHORTEST_STEM and folded[-1] == folded[-2] and folded[-1].isalpha()
    return folded[:-1] if doubled else folded


@functools.cache
def _word() -> re.Pattern[str]:
    part = rf"[\w{_marks()}]+"
    return re.compile(rf"{part}(?:\.{part}|(?<=\d),(?=\d{{3}}){part})*")


def _marks() -> str:
    """Return a character class of all combining marks, which `\\w` leaves out: a letter with a mark is another one."""
    codes = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("M"))
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)
