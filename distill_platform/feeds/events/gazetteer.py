"""Gazetteer: by which names symbols are known, read from strict YAML.

```yaml
context: [price, token]
entities:
  - symbol: AVAX_USDT
    names: [Avalanche Foundation]
    tickers: [AVAX]
    ambiguous_names: [Avalanche]
    context: [subnet]
    excluded: [avalanche warning]
```

A name stands in any case, a ticker in capitals or after a `$`. What is ambiguous needs a word of context in the same
title. What is excluded is never the entity, and covers the names within it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.core.errors import ConfigError
from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.titles import clean_title
from distill_platform.feeds.events.words import split_words

Phrase = Annotated[str, Field(min_length=1, max_length=80)]
Phrases = Annotated[list[Phrase], Field(max_length=200)]
SurfaceKey = tuple[str, ...]


class Entity(StrictModel):
    """One symbol and how people write about it."""

    symbol: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
    names: Phrases = Field(default_factory=list)
    tickers: Phrases = Field(default_factory=list)
    ambiguous_names: Phrases = Field(default_factory=list)
    ambiguous_tickers: Phrases = Field(default_factory=list)
    context: Phrases = Field(default_factory=list)
    excluded: Phrases = Field(default_factory=list)

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.symbol == MARKET:
            raise ValueError(f"symbol {MARKET!r} stands for what is about nobody known")
        if not (self.names or self.tickers or self.ambiguous_names or self.ambiguous_tickers):
            raise ValueError(f"{self.symbol} has no name and no ticker to be found by")
        return self


class GazetteerFile(StrictModel):
    """The whole of `config/gazetteers/<name>.yaml`."""

    context: Phrases = Field(default_factory=list)
    entities: Annotated[list[Entity], Field(min_length=1, max_length=5_000)]


class SurfaceKind(StrEnum):
    """How a phrase may stand for its entity."""

    NAME = "name"
    TICKER = "ticker"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Surface:
    """One phrase, by its words: of a ticker as they are written, else in lower case."""

    words: SurfaceKey
    kind: SurfaceKind
    symbol: str
    is_ambiguous: bool


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Every phrase that stands for a symbol; `digest` changes with whatever changes what is linked."""

    name: str
    surfaces: Mapping[SurfaceKey, Surface]
    """By the words in lower case."""

    contexts: Mapping[str, frozenset[str]]
    """The words that make ambiguous phrases of a symbol clear."""

    digest: str

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Return every symbol it knows, sorted."""
        return tuple(sorted(self.contexts))

    @cached_property
    def longest(self) -> int:
        """Return the number of words of its longest phrase."""
        return max(len(words) for words in self.surfaces)


def load_gazetteer(path: Path) -> Gazetteer:
    """Return the gazetteer of a YAML file, named after it.

    Raises ConfigError for what is not one, a symbol that stands twice, and a phrase that stands for two symbols.
    """
    file = load_yaml(path, GazetteerFile)
    try:
        return build_gazetteer(path.stem, file)
    except ValueError as error:
        raise ConfigError(str(error), file=str(path), hint="Make one of them longer, or exclude it") from None


def build_gazetteer(name: str, file: GazetteerFile) -> Gazetteer:
    """Return the gazetteer that was declared; ValueError for a symbol or a phrase that stands for two things."""
    surfaces: dict[SurfaceKey, Surface] = {}
    for entity in file.entities:
        for phrase, surface in _surfaces_of(entity):
            key = tuple(word.casefold() for word in surface.words)
            known = surfaces.setdefault(key, surface)
            if known.symbol != surface.symbol and SurfaceKind.EXCLUDED not in (known.kind, surface.kind):
                raise ValueError(f"{phrase!r} stands for {known.symbol} and for {surface.symbol}")
            surfaces[key] = _stronger(known, surface)
    symbols = [entity.symbol for entity in file.entities]
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise ValueError(f"symbol {twice[0]} stands twice")
    shared = _folded(file.context)
    contexts = {entity.symbol: shared | _folded(entity.context) for entity in file.entities}
    return Gazetteer(name, surfaces, contexts, canon.sig_hash(file.model_dump(mode="json")))


def _stronger(one: Surface, other: Surface) -> Surface:
    """Return which of two readings of the same words holds: a name of one entity, though another excludes it."""
    if one.kind is SurfaceKind.EXCLUDED:
        return other
    return other if other.kind is SurfaceKind.NAME and one.kind is SurfaceKind.TICKER else one


def _surfaces_of(entity: Entity) -> list[tuple[str, Surface]]:
    groups = (
        (entity.names, SurfaceKind.NAME, False),
        (entity.tickers, SurfaceKind.TICKER, False),
        (entity.ambiguous_names, SurfaceKind.NAME, True),
        (entity.ambiguous_tickers, SurfaceKind.TICKER, True),
        (entity.excluded, SurfaceKind.EXCLUDED, False),
    )
    return [
        (phrase, Surface(_phrase_words(phrase, kind), kind, entity.symbol, is_ambiguous))
        for phrases, kind, is_ambiguous in groups
        for phrase in phrases
    ]


def _phrase_words(phrase: str, kind: SurfaceKind) -> SurfaceKey:
    words = split_words(clean_title(phrase))
    if not words:
        raise ValueError(f"{phrase!r} has no word in it")
    return tuple(word.text if kind is SurfaceKind.TICKER else word.folded for word in words)


def _folded(phrases: list[str]) -> frozenset[str]:
    return frozenset(word.folded for phrase in phrases for word in split_words(clean_title(phrase)))
