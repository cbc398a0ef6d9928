"""Polarity: how good a headline sounds, by a small lexicon of words; the same headline always sounds the same."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.feeds.events.words import split_words, stem

LEXICON_FILE = Path(__file__).with_name("lexicon.yaml")
_NEGATION_REACH = 3  # words after a negation that it turns around
_NEGATED = -0.5  # not good is bad, but less so than bad is
_SATURATION = 4.0
_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)

_Words = Annotated[list[str], Field(max_length=5_000)]


class _Strengths(StrictModel):
    strong: _Words
    plain: _Words
    weak: _Words

    def weighted(self, sign: float) -> dict[str, float]:
        """Return the weight of each stem, of this sign."""
        groups = ((2.0, self.strong), (1.0, self.plain), (0.5, self.weak))
        return {stem(word.casefold()): sign * weight for weight, words in groups for word in words}


class _LexiconFile(StrictModel):
    positive: _Strengths
    negative: _Strengths
    negation: _Words

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        both = sorted(self.positive.weighted(1.0).keys() & self.negative.weighted(1.0).keys())
        if both:
            raise ValueError(f"{both[0]!r} is the stem of a positive and of a negative word")
        return self


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Weights of word stems, above 0 for good and below for bad, and stems that turn the words after them around."""

    weights: Mapping[str, float]
    negations: frozenset[str]
    digest: str


@functools.cache
def packaged_lexicon() -> Lexicon:
    """Return the lexicon of finance and crypto headlines that comes with the platform."""
    return load_lexicon(LEXICON_FILE)


def load_lexicon(path: Path) -> Lexicon:
    """Return the lexicon of a YAML file; ConfigError for what is not one."""
    file = load_yaml(path, _LexiconFile)
    weights = file.positive.weighted(1.0) | file.negative.weighted(-1.0)
    negations = frozenset(stem(word.casefold()) for word in file.negation)
    return Lexicon(weights, negations, canon.sig_hash([sorted(weights.items()), sorted(negations)]))


def polarity(title: str, lexicon: Lexicon) -> float:
    """Return how good a title sounds, in (-1, 1): s / sqrt(s^2 + 4) of the sum s of its words' weights, 0 for none.

    A negation, `n't` too, turns around and halves the next three words. Hyphens join no words: `record-high` is two.
    """
    total, reach = 0.0, 0
    for word in split_words(_NOT.sub(" not", title)):
        root = stem(word.folded)
        weight = lexicon.weights.get(root, 0.0)
        total += weight * (_NEGATED if reach > 0 else 1.0)
        reach = _NEGATION_REACH if root in lexicon.negations else reach - 1
    return total / math.sqrt(total * total + _SATURATION)
