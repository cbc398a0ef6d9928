"""Seeded randomness that gives the same draws on every machine and Python release."""

import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Dice:
    """One independent stream of draws per (seed, name ...).

    Only ``random.Random.random`` is used: it is the one method whose sequence Python promises to keep.
    """

    def __init__(self, seed: int, *names: object) -> None:
        """Derive the stream from the seed and any number of names."""
        self._random = random.Random(":".join(str(part) for part in (seed, *names)))

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.fraction() * (high - low + 1))

    def pick(self, items: Sequence[_T]) -> _T:
        """One of the items."""
        return items[self.between(0, len(items) - 1)]

    def shuffled(self, items: Sequence[_T]) -> list[_T]:
        """The items in a random order (Fisher-Yates)."""
        deck = list(items)
        for last in range(len(deck) - 1, 0, -1):
            other = self.between(0, last)
            deck[last], deck[other] = deck[other], deck[last]
        return deck

    def token(self, alphabet: str, length: int) -> str:
        """A string of that many characters of the alphabet."""
        return "".join(self.pick(alphabet) for _ in range(length))
