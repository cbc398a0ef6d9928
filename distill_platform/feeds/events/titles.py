"""Titles: cleaned for showing, brought to one form for comparing, and judged for soundness."""

from __future__ import annotations

import functools
import html
import re
import unicodedata

from distill_platform.feeds.events.words import split_words

_SUFFIX = re.compile(r"\s+[-–—|·:»]+\s+(?P<name>[^-–—|·»]{2,40})$")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b", re.IGNORECASE)
_MOBILE = ("www.", "m.", "mobile.", "amp.")
_GARBLED = re.compile("\ufffd|[\x80-\x9f]|â€|Ã[\x80-\xbf©±¤¶¼]")
_SHOUTED_WORDS, _FEWEST_WORDS = 4, 3
_REMEMBERED = 20_000


@functools.lru_cache(maxsize=_REMEMBERED)  # a title is looked at again with each of the days after it
def clean_title(text: str) -> str:
    """Return a title as it is shown: entities resolved, NFKC, no invisible characters, single spaces."""
    resolved = html.unescape(html.unescape(text))  # what went through two feeds was often escaped twice
    composed = unicodedata.normalize("NFKC", resolved)
    visible = "".join(" " if _is_space(char) else char for char in composed if not _is_invisible(char))
    return " ".join(visible.split())


def _is_space(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cc"


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Co", "Cs", "Cn")


def clean_outlet(text: str) -> str:
    """Return the name or domain of an outlet in lower case, without scheme, path, port and mobile subdomains."""
    name = clean_title(text).casefold().removeprefix("https://").removeprefix("http://")
    if "." not in name or " " in name:
        return name
    domain = name.partition("/")[0].partition(":")[0].strip(".")
    while domain.count(".") > 1 and (prefix := next((each for each in _MOBILE if domain.startswith(each)), "")):
        domain = domain.removeprefix(prefix)
    return domain


def comparable_title(headline: str) -> str:
    """Return the words of a headline in lower case, without possessives."""
    return " ".join(word.folded for word in split_words(_POSSESSIVE.sub("", headline)))


def headline_of(title: str, outlet: str) -> str:
    """Return a cleaned title without the name that its outlet signs it with: ` - CoinDesk` at the end."""
    found = _SUFFIX.search(title)
    if found and _letters(found["name"]) in _names_of(outlet):
        return title[: found.start()]
    return title


def _names_of(outlet: str) -> set[str]:
    """Return how an outlet may sign: its name, its domain, or its domain without the ending."""
    owner = outlet.rpartition(".")[0] if "." in outlet and " " not in outlet else outlet
    return {_letters(outlet), _letters(owner), _letters(owner.rpartition(".")[2])}


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def is_shouted(title: str) -> bool:
    """Return whether a title of several words is in capitals throughout: then capitals tell no ticker from a word."""
    return len(split_words(title)) >= _SHOUTED_WORDS and title.upper() == title and title.lower() != title


def soundness(title: str) -> float:
    """Return how much a cleaned title looks like one, in [0, 1]: a quarter less for each thing that is wrong with it.

    Wrong are fewer than three words, capitals throughout, characters of a broken encoding, and repeated marks (!!, ??).
    """
    faults = (
        len(split_words(title)) < _FEWEST_WORDS,
        is_shouted(title),
        _GARBLED.search(title) is not None,
        re.search(r"[!?]{2}", title) is not None,
    )
    return 1.0 - 0.25 * sum(faults)
