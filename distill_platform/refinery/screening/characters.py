"""What single characters fold to and are spelled as, in tables that compiled kernels can read.

Normalization looks at a character's neighbours only where one of them is a mark, or composes with what stands before
it. All other characters fold the same wherever they stand (Unicode Annex 15, "Concatenation of normalized strings"),
so a text of such characters folds character by character. The tables fill themselves with the characters that occur.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distill_platform.refinery.screening.fold import fold_unicode, spell_out

UNKNOWN = 0
AWKWARD = 255

_CODES = sys.maxunicode + 1
_COMPOSED = range(0x20000)  # every canonical composition lies here
_HANGUL_VOWELS_AND_TAILS = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))


class Forms(NamedTuple):
    """UTF-8 by code point: the first `sizes[code] - 1` bytes of `forms[code]`, unless UNKNOWN or AWKWARD."""

    sizes: npt.NDArray[np.uint8]  # uint8[code points]
    forms: npt.NDArray[np.uint8]  # uint8[code points, longest form]

    def put(self, char: str, form: str) -> None:
        """Set the form of a character, AWKWARD where it is too long."""
        encoded = form.encode("utf-8", "surrogatepass")
        fits = len(encoded) <= self.forms.shape[1]
        self.sizes[ord(char)] = len(encoded) + 1 if fits else AWKWARD
        self.forms[ord(char), : len(encoded) * fits] = list(encoded) * fits


@functools.cache
def folds() -> Forms:
    """Return what characters fold to. AWKWARD: it depends on the neighbours, or is longer than the character."""
    return _forms(4)


@functools.cache
def spellings() -> Forms:
    """Return how characters of folded texts are spelled out."""
    return _forms(15)


def learn(codes: Iterable[int]) -> None:
    """Put characters into the table of folds, and what they fold to into that of spellings."""
    for char in map(chr, codes):
        folded = fold_unicode(char)
        fits = len(folded.encode("utf-8", "surrogatepass")) <= len(char.encode("utf-8", "surrogatepass"))
        if fits and _stands_alone(char, folded):
            folds().put(char, folded)
            learn_spellings(folded)
        else:
            folds().sizes[ord(char)] = AWKWARD


def learn_spellings(folded: str) -> None:
    """Put the characters of a folded or spelled-out text into the table of spellings."""
    for char in set(folded):
        if spellings().sizes[ord(char)] == UNKNOWN:
            spellings().put(char, spell_out(char))


def _forms(longest: int) -> Forms:
    return Forms(np.zeros(_CODES, np.uint8), np.zeros((_CODES, longest), np.uint8))


def _stands_alone(char: str, folded: str) -> bool:
    """Does the character, in every form it takes while it is folded, begin with a letter that joins nothing before?"""
    casefolded = unicodedata.normalize("NFKC", char).casefold()
    heads = {unicodedata.normalize("NFKD", form)[:1] for form in (char, casefolded, folded)} - {""}
    return not any(unicodedata.combining(head) or head in _joining() for head in heads)


@functools.cache
def _joining() -> frozenset[str]:
    """Return the characters that may compose with one before them."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in _COMPOSED)
    seconds = (chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<"))
    return frozenset((*seconds, *map(chr, _HANGUL_VOWELS_AND_TAILS)))
