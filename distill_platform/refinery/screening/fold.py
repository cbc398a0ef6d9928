"""When do two texts count as the same: `fold` for identity, `words` for overlap.

`fold` is for exact comparison and keeps meaning: compatibility forms (NFKC) and letter case are levelled, characters
that cannot be seen are removed, typographic quotes and dashes become the typewriter's, a whitespace run one space.

`words` is for n-gram overlap, where a cheap disguise must not help: on top of `fold` it drops accents, maps Cyrillic
and Greek look-alikes to Latin letters and splits scripts written without spaces into single characters. It may
conflate texts that differ ("μm" and "mm"), so it never decides alone whether two texts are the same.

Both are pure functions of one text. ASCII texts, most of what is screened, never enter the Unicode part; other
texts pay for their non-ASCII stretches only: normalization never looks further back than one ASCII character.
"""

from __future__ import annotations

import functools
import hashlib
import re
import string
import unicodedata

KEY_BYTES = 16

_ASCII_SPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"
_ASCII_UNSEEN = "".join(map(chr, (*range(0x00, 0x09), *range(0x0E, 0x1C), 0x7F)))
_LEVEL = str.maketrans(
    _ASCII_SPACE + string.ascii_uppercase, " " * len(_ASCII_SPACE) + string.ascii_lowercase, _ASCII_UNSEEN
)
_SPACES = re.compile("  +")

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_TOKEN = re.compile(r"(?:[a-z0-9]|[^\x00-\x7f])+")

# Controls, everything of category Cf, and what is invisible without being Cf: the grapheme joiner, fillers,
# variation selectors, the blank Braille cell.
_UNSEEN = re.compile(
    f"[{_ASCII_UNSEEN}\x80-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SPACE = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
# Typographic punctuation that people and models use interchangeably with the typewriter's.
_TYPEWRITER = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)
# Casefolded Cyrillic and Greek letters that look Latin in either case (after Unicode TS 39, confusables).
_LOOKALIKES = dict(zip("авекмнорстухѕіјԁһԛԝүӏԍαβεζηικμνορτυχ", "abekmhopctyxsijdhqwylgabezhikmnoptyx", strict=True))
# Scripts written without spaces between words: each character is a token of its own.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    """Return the form in which two texts count as the same. `fold(fold(text)) == fold(text)`."""
    if not text.isascii():
        text = fold_unicode(text)
    text = text.translate(_LEVEL)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    return text.strip(" ")


def fold_unicode(text: str) -> str:
    """Return `text` with its non-ASCII stretches folded; ASCII case and whitespace are left to the caller."""
    encoded = text.encode("utf-8", "surrogatepass")
    seen = encoded.translate(None, _ASCII_UNSEEN.encode())  # first, or a control would part a letter from its accent
    if len(seen) < len(encoded):
        text = seen.decode("utf-8", "surrogatepass")
    pieces: list[str] = []
    done = 0
    for found in _NON_ASCII.finditer(text):
        start, end = max(found.start() - 1, done), found.end()  # with the character that an accent may belong to
        pieces += (
            text[done:start],
            _fold_short(text[start:end]) if end - start <= 8 else _fold_stretch(text[start:end]),
        )
        done = end
    return "".join(pieces) + text[done:]


def text_key(folded: str) -> bytes:
    """Return the identity of a folded text: the first 16 bytes of the SHA-256 of its UTF-8."""
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


def words(text: str) -> list[str]:
    """Return the tokens of `text`: maximal runs of letters, digits and marks, lower case, disguises undone."""
    return _TOKEN.findall(spell_out(fold(text)))


def spell_out(folded: str) -> str:
    """Return a folded text with disguises undone and every non-ASCII separator as a space.

    Tokens are cut from it: ASCII letters and digits and all non-ASCII characters belong to them.
    """
    return folded if folded.isascii() else _NON_ASCII.sub(_spell_stretch, folded)


def _fold_stretch(stretch: str) -> str:
    """Fold until nothing changes: casefolding can undo a composition, and composing can give a cased character."""
    while True:
        folded = _UNSEEN.sub("", unicodedata.normalize("NFKC", stretch.translate(_TYPEWRITER)).casefold())
        folded = _SPACE.sub(" ", unicodedata.normalize("NFKC", folded))
        if folded == stretch:
            return folded
        stretch = folded


_fold_short = functools.lru_cache(maxsize=8192)(_fold_stretch)


def _spell_stretch(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFD", found.group()).translate(_spelling)


class _Spelling(dict[int, str]):
    """A translation table that fills itself: character code to what tokens are cut from."""

    def __missing__(self, code: int) -> str:
        self[code] = spelled = _spell(chr(code))
        return spelled


_spelling = _Spelling()


def _spell(char: str) -> str:
    if "\u0300" <= char <= "\u036f":
        return ""
    if _UNSPACED.match(char):
        return f" {char} "
    if char.isalnum() or unicodedata.category(char).startswith("M"):
        return _LOOKALIKES.get(char, char)
    return " "
