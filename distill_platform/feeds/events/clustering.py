"""Clustering: which reports say again what another said within the two days before them.

A report is compared with every earlier one of its window, and with nothing later, so nothing that comes in afterwards
changes it. It belongs to the earliest report that it repeats itself: similarity is not handed on from title to title,
and what lies before the window decides nothing. So the answer is the same however much else is looked at together.

Two titles are the same if they share enough words, their fuzzy ratio is high enough (higher within one outlet, which
writes report after report to one pattern), and their numbers do not contradict each other. A report that names a symbol
which the earlier one does not name is never a repetition.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from distill_platform.feeds.events.normalizing import HOUR_US, EventKind, Report
from distill_platform.feeds.events.settings import ClusteringSettings
from distill_platform.feeds.events.shared_words import SharedWords

_IDENTICAL = 100.0


@dataclass(frozen=True, slots=True)
class Repetition:
    """A report and the earliest one of its window that it repeats, as positions; the fuzzy ratio of their titles."""

    report: int
    head: int
    similarity: float


def repetitions(
    reports: Sequence[Report], symbols: Sequence[frozenset[str]], first: int, settings: ClusteringSettings
) -> list[Repetition]:
    """Return what repeats what among reports[first:]; those before are only compared with.

    `reports` are in order of (available, published, raw_id), `symbols` are those that each title names. Of n different
    titles, O(n shared words) to find who shares words with whom, then as many comparisons as there are such pairs.
    """
    texts = _Texts(reports, symbols, settings)
    window = settings.window_h * HOUR_US
    when = np.array([report.available_us for report in reports], np.int64)
    starts = np.searchsorted(when, when - window, "left")
    found = []
    for place in range(first, len(reports)):
        repeated = texts.earliest_like(place, int(starts[place]))
        if repeated is not None:
            found.append(Repetition(place, *repeated))
    return found


class _Texts:
    """The different titles among reports, and for each when it was reported; asked for reports in their order."""

    def __init__(
        self, reports: Sequence[Report], symbols: Sequence[frozenset[str]], settings: ClusteringSettings
    ) -> None:
        keys = [
            (report.comparable, named, report.kind is EventKind.MACRO)
            for report, named in zip(reports, symbols, strict=True)
        ]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        self._settings = settings
        self._titles = [title for title, _, _ in numbers]
        self._symbols = [named for _, named, _ in numbers]
        self._is_macro = [is_macro for _, _, is_macro in numbers]
        self._text_of = [numbers[key] for key in keys]
        self._outlets = [report.outlet for report in reports]
        self._places: list[list[int]] = [[] for _ in numbers]
        for place, text in enumerate(self._text_of):
            self._places[text].append(place)
        self._next_elsewhere = self._elsewhere()
        self._firsts = np.array([places[0] for places in self._places], np.int64)
        self._start = 0
        self._sharing = SharedWords(self._titles, settings)

    def earliest_like(self, place: int, start: int) -> tuple[int, float] | None:
        """Return the earliest of reports[start:place] that this one repeats, and how similar it is; None for none."""
        self._forget(start)
        text = self._text_of[place]
        best, similarity = place, 0.0
        if self._firsts[text] < place:
            best, similarity = int(self._firsts[text]), _IDENTICAL
        if not self._is_macro[text]:  # one observation differs from the next by a digit
            best, similarity = self._earliest_similar(place, text, best, similarity)
        return (best, similarity) if best < place else None

    def _earliest_similar(self, place: int, text: int, best: int, similarity: float) -> tuple[int, float]:
        others = self._sharing.with_text(text)
        others = others[self._firsts[others] < best]
        for other in others[np.argsort(self._firsts[others])].tolist():
            if self._firsts[other] >= best:
                break
            score = self._similarity(text, other)
            if score >= self._settings.similarity:
                earliest = int(self._firsts[other])
                if self._outlets[earliest] == self._outlets[place] and not self._says_the_same(text, other, score):
                    earliest = self._next_elsewhere[earliest]
                if earliest < best:
                    best, similarity = earliest, score
        return best, similarity

    def _similarity(self, text: int, earlier: int) -> float:
        from rapidfuzz import fuzz

        if self._is_macro[earlier] or not self._symbols[text] <= self._symbols[earlier]:
            return 0.0
        return float(fuzz.token_set_ratio(self._titles[text], self._titles[earlier]))

    def _says_the_same(self, text: int, other: int, score: float) -> bool:
        """Return whether similar titles of one outlet say the same, and not only follow the same pattern."""
        return score >= self._settings.same_outlet_similarity and self._sharing.have_same_numbers(text, other)

    def _forget(self, start: int) -> None:
        """Let the first place of each text be its first from `start` on, or beyond all reports."""
        for place in range(self._start, start):
            text = self._text_of[place]
            places = self._places[text]
            later = bisect_left(places, start)
            self._firsts[text] = places[later] if later < len(places) else len(self._text_of)
        self._start = start

    def _elsewhere(self) -> list[int]:
        """Return, for each report, the next of the same text in another outlet, or beyond all reports."""
        following = [len(self._text_of)] * len(self._text_of)
        for places in self._places:
            for place, after in reversed(list(pairwise(places))):
                same = self._outlets[place] == self._outlets[after]
                following[place] = following[after] if same else after
        return following
