"""Linking: which symbols a title names, by whole words, longest phrase first; who is not named is not guessed at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.gazetteer import Gazetteer, Surface, SurfaceKind
from distill_platform.feeds.events.titles import clean_title, is_shouted
from distill_platform.feeds.events.words import Word, split_words

_JOINTS = frozenset((" ", "-", "\u2010", "\u2011", "\u2013"))


class LinkMethod(StrEnum):
    """How a symbol was found, the surest first."""

    CASHTAG = "cashtag"
    NAME = "name"
    TICKER = "ticker"
    CONTEXT = "context"  # an ambiguous phrase beside a word that makes it clear
    NOBODY = "nobody"  # the title names no symbol: it is about the market
    TEXT_MODEL = "text_model"  # the title does not say so, a text model does
    FEED = "feed"  # the title does not say so, the feed does


GUESSES = frozenset({LinkMethod.TEXT_MODEL, LinkMethod.FEED})
_RANK = {method: rank for rank, method in enumerate(LinkMethod)}


@dataclass(frozen=True, slots=True)
class Link:
    """A symbol, how it was found, and the words that it was found by."""

    symbol: str
    method: LinkMethod
    phrase: str

    @property
    def is_synthetic(self) -> bool:
        """Return whether it is a guess: no word of the title says so."""
        return self.method in GUESSES


@dataclass(frozen=True, slots=True)
class _Match:
    surface: Surface
    method: LinkMethod
    phrase: str
    words: tuple[int, int]


def link(title: str, gazetteer: Gazetteer) -> tuple[Link, ...]:
    """Return the symbols that a cleaned title names, sorted, each with the surest way it was found; empty for none."""
    words = split_words(title)
    matches = tuple(_matches(title, words, gazetteer))
    clear = [match for match in matches if not match.surface.is_ambiguous or match.method is LinkMethod.CASHTAG]
    ambiguous = [match for match in matches if match not in clear and _has_context(match, clear, words, gazetteer)]
    found = [Link(match.surface.symbol, match.method, match.phrase) for match in clear]
    found += [Link(match.surface.symbol, LinkMethod.CONTEXT, match.phrase) for match in ambiguous]
    return _surest(found)


def link_entities(entities: Iterable[str], method: LinkMethod, gazetteer: Gazetteer) -> tuple[Link, ...]:
    """Return the symbols that names given apart from a title are spelled exactly like: guesses, sorted."""
    found = []
    for entity in entities:
        name = clean_title(entity)
        surface = gazetteer.surfaces.get(tuple(word.folded for word in split_words(name)))
        if surface is not None and surface.kind is not SurfaceKind.EXCLUDED:
            found.append(Link(surface.symbol, method, name))
    return _surest(found)


def links_or_market(named: Sequence[Link], guessed: Iterable[Link]) -> tuple[Link, ...]:
    """Return links of an event: those named, or the market where nobody is; and guesses at symbols that are not."""
    symbols = {each.symbol for each in named}
    certain = tuple(named) or (Link(MARKET, LinkMethod.NOBODY, ""),)
    return certain + tuple(each for each in _surest(guessed) if each.symbol not in symbols)


def _surest(links: Iterable[Link]) -> tuple[Link, ...]:
    best: dict[str, Link] = {}
    for each in sorted(links, key=lambda found: (found.symbol, _RANK[found.method], found.phrase)):
        best.setdefault(each.symbol, each)
    return tuple(best.values())


def _matches(title: str, words: tuple[Word, ...], gazetteer: Gazetteer) -> Iterator[_Match]:
    """Yield what the gazetteer's phrases match, from left to right, the longest at each place, none twice covered."""
    shouted = is_shouted(title)
    place = 0
    while place < len(words):
        match = _match_at(title, words, place, gazetteer, shouted)
        if match is not None and match.surface.kind is not SurfaceKind.EXCLUDED:
            yield match
        place = match.words[1] if match is not None else place + 1


def _match_at(title: str, words: tuple[Word, ...], place: int, gazetteer: Gazetteer, shouted: bool) -> _Match | None:
    for end in range(min(len(words), place + gazetteer.longest), place, -1):
        covered = words[place:end]
        surface = gazetteer.surfaces.get(tuple(word.folded for word in covered))
        if surface is not None and _is_joined(title, covered):
            method = _method(title, covered, surface, shouted)
            if method is not None:
                return _Match(surface, method, title[covered[0].start : covered[-1].end], (place, end))
    return None


def _is_joined(title: str, covered: tuple[Word, ...]) -> bool:
    """Return whether only spaces or hyphens stand between words: `Bitcoin, Cash` is not Bitcoin Cash."""
    return all(title[one.end : other.start] in _JOINTS for one, other in pairwise(covered))


def _method(title: str, covered: tuple[Word, ...], surface: Surface, shouted: bool) -> LinkMethod | None:
    before = title[covered[0].start - 1 : covered[0].start]
    if before in ("@", "."):  # a handle, the end of an address
        return None
    if surface.kind is not SurfaceKind.TICKER:
        return LinkMethod.NAME
    if before == "$":
        return LinkMethod.CASHTAG
    is_written_so = tuple(word.text for word in covered) == surface.words
    return LinkMethod.TICKER if is_written_so and not shouted else None


def _has_context(match: _Match, clear: list[_Match], words: tuple[Word, ...], gazetteer: Gazetteer) -> bool:
    """Return whether a word of context stands outside the match; a ticker is also clear beside another symbol."""
    if clear and match.surface.kind is SurfaceKind.TICKER:
        return True
    first, end = match.words
    others = {word.folded for place, word in enumerate(words) if not first <= place < end}
    return not others.isdisjoint(gazetteer.contexts[match.surface.symbol])
