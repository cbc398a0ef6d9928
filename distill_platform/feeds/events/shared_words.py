"""Shared words: which titles have enough words in common, and no numbers that contradict each other.

What is found depends on the two titles alone and not on which words are rare among the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.feeds.events.settings import ClusteringSettings
from distill_platform.feeds.events.words import stem

Integers = npt.NDArray[np.int64]

_COMMON = frozenset({
    "a", "an", "the", "of", "to", "in", "on", "for", "and", "or", "as", "at", "by", "is", "are", "was", "be", "with",
    "it", "from", "its", "this", "that", "after", "amid", "over", "into", "will", "has", "have", "had", "but", "not",
    "says", "say", "said", "how", "why", "what", "report", "reports", "usd", "us",
})  # fmt: skip
_NUMBER = re.compile(r"(?P<digits>\d[\d,]*(?:\.\d+)?)(?P<unit>k|m|mn|b|bn|t|tn)?")
_UNITS = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12, "tn": 1e12}
_UNIT_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


class SharedWords:
    """Comparable titles by their words, built once and asked for each of them."""

    def __init__(self, titles: Sequence[str], settings: ClusteringSettings) -> None:
        bags = [_bag(title) for title in titles]
        self._numbers = [frozenset(bag.numbers) for bag in bags]
        words = sorted({word for bag in bags for word in bag.words})
        numbers = sorted({number for bag in bags for number in bag.numbers})
        ids: dict[Any, int] = {each: place for place, each in enumerate([*words, *numbers])}
        rows = [sorted(ids[each] for each in (*bag.words, *bag.numbers)) for bag in bags]
        self._first_number = len(words)
        self._settings = settings
        self._offsets, self._tokens = _compressed(rows)
        self._holders = _compressed(_inverted(rows, len(ids)))
        self._sizes = np.array([(len(bag.words), len(bag.numbers)) for bag in bags], np.int64).reshape(-1, 2)
        self._shared = np.zeros((len(bags), 2), np.int64)
        self._found = np.empty(len(bags), np.int64)

    def with_text(self, text: int) -> Integers:
        """Return the other titles, by place, that share at least `shared_words` of all their words with one (Jaccard).

        The commonest words do not count, forms of a word are one. A title of fewer than `fewest_words` must share all.
        The numbers of one title must all be in the other's, unless one has none.
        """
        row = self._tokens[self._offsets[text] : self._offsets[text + 1]]
        limits = self._settings.shared_words, self._settings.fewest_words
        count = _share(text, row, self._first_number, *self._holders, self._sizes, *limits, self._shared, self._found)
        return self._found[:count].copy()

    def have_same_numbers(self, text: int, other: int) -> bool:
        """Return whether two titles name the same numbers, or none."""
        return self._numbers[text] == self._numbers[other]


def _compressed(rows: list[list[int]]) -> tuple[Integers, Integers]:
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return offsets, np.array([each for row in rows for each in row], np.int64)


def _inverted(rows: list[list[int]], count: int) -> list[list[int]]:
    holders: list[list[int]] = [[] for _ in range(count)]
    for place, row in enumerate(rows):
        for token in row:
            holders[token].append(place)
    return holders


class _Bag(NamedTuple):
    words: set[str]
    numbers: set[float]


def _bag(title: str) -> _Bag:
    """Return the stems of a title's words but for the commonest, and its numbers; `$4.5 billion` is `4.5bn`."""
    words: set[str] = set()
    numbers: set[float] = set()
    parts = title.split()
    for word, after in zip(parts, [*parts[1:], ""], strict=True):
        found = _NUMBER.fullmatch(word)
        if found:
            unit = _UNITS.get(found["unit"] or "") or _UNIT_WORDS.get(after, 1.0)
            numbers.add(float(found["digits"].replace(",", "")) * unit)
        elif word not in _COMMON and word not in _UNIT_WORDS:
            words.add(stem(word))
    return _Bag(words, numbers)


@kernel
def _share(
    text: int,
    row: Integers,
    first_number: int,
    offsets: Integers,
    holders: Integers,
    sizes: Integers,
    floor: float,
    fewest: int,
    shared: Integers,
    found: Integers,
) -> int:
    """Fill `found` with the texts that share enough with one; `shared` is scratch and left as it was, all zeros."""
    count = 0
    for token in row:
        part = 0 if token < first_number else 1
        for place in range(offsets[token], offsets[token + 1]):
            other = holders[place]
            if shared[other, 0] + shared[other, 1] == 0:
                found[count] = other
                count += 1
            shared[other, part] += 1
    kept = 0
    for place in range(count):
        other = found[place]
        words, numbers = shared[other, 0], shared[other, 1]
        shared[other, 0] = shared[other, 1] = 0
        union = sizes[text, 0] + sizes[other, 0] - words
        least = floor if min(sizes[text, 0], sizes[other, 0]) >= fewest else 1.0
        agree = numbers == min(sizes[text, 1], sizes[other, 1])
        if other != text and agree and words > 0 and words >= least * union:
            found[kept] = other
            kept += 1
    return kept
