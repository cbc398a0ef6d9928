"""One look at each text for secrets and personal data together: an re2 Set over the anchors of all rules.

An anchor is a pattern that matches wherever its rule can. The Set answers for all anchors in one linear pass, so a
clean text, the usual case, costs microseconds; only what an anchor flags is examined by the rules themselves. re2
never backtracks: no text, however hostile, makes a scan slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

_SURROGATES = re.compile("[\ud800-\udfff]")
_MAX_MEMORY = 64 << 20


class Match(NamedTuple):
    """Where a rule's pattern stands in a text: the first group where it has one."""

    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """Return the matched part of the text."""
        return self.text[self.start : self.end]


class Rule(NamedTuple):
    """A kind of thing to find: `anchor` and `pattern` in re2 syntax, and what a match must also satisfy."""

    name: str
    anchor: str
    pattern: str
    accept: Callable[[Match], bool]


class Scanner:
    """Says which rules may have something in a text."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        import re2

        self._set = re2.Set.SearchSet(_options())
        for rule in rules:
            self._set.Add(rule.anchor)
        self._set.Compile()
        self._match: Callable[[bytes | memoryview], list[int] | None] = self._set.Match

    def flagged(self, text: str) -> list[int]:
        """Return the numbers of the rules whose anchor occurs in the text, ascending."""
        return sorted(self._match(encodable(text).encode()) or ())

    def flagged_rows(self, data: Bytes, starts: Counts, ends: Counts) -> list[tuple[int, list[int]]]:
        """Return (row, rule numbers) of those UTF-8 texts `data[start:end]` in which any anchor occurs, in order."""
        view, match = memoryview(data), self._match  # type: ignore[arg-type]  # numpy declares no buffer before 3.12
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        found = enumerate(match(view[start:end]) for start, end in places)
        return [(row, sorted(flagged)) for row, flagged in found if flagged]


def matches(rule: Rule, text: str) -> list[Match]:
    """Return all places of the text that satisfy the rule, in order; the text must be encodable."""
    places = (Match(text, *found.span(min(1, found.re.groups))) for found in _compiled(rule.pattern).finditer(text))
    return [place for place in places if rule.accept(place)]


def encodable(text: str) -> str:
    """Return the text with each lone surrogate replaced by U+FFFD, so that UTF-8 can say it; offsets stay the same."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


_patterns: dict[str, Any] = {}


def _compiled(pattern: str) -> Any:
    if pattern not in _patterns:
        import re2

        _patterns[pattern] = re2.compile(pattern, _options())
    return _patterns[pattern]


def _options() -> Any:
    import re2

    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return options
