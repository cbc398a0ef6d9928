"""Feature kinds: what a feature of bars may be, declared once; settings, computation, schema hash and docs follow.

A kind is a function `(seen, *windows) -> panel` of shape (T, N). Row t follows from the last `lookback(*windows)` rows
of the bars and from nothing else, to the last bit. The tests hold every kind to that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from inspect import getdoc

from distill_platform.models.features.observed import Observed
from distill_platform.strategies.bars import Panel

Compute = Callable[..., Panel]
Lookback = Callable[..., int]


class FeatureGroup(StrEnum):
    """What a feature is made of."""

    BARS = "bars"
    """The bars of the symbol alone."""
    PANEL = "panel"
    """The bars of all symbols."""
    CALENDAR = "calendar"
    """The clock."""
    EVENTS = "events"
    """What was reported."""


@dataclass(frozen=True)
class FeatureKind:
    """A family of features that differ in their windows; `lookback` says how many bars they see, the last included."""

    name: str
    group: FeatureGroup
    unit: str
    definition: str
    lookback: Lookback
    compute: Compute

    def panel(self, seen: Observed, windows: tuple[int, ...]) -> Panel:
        """Return the values for some windows, shape (T, N)."""
        return self.compute(seen, *windows)


KINDS: dict[str, FeatureKind] = {}


def feature_kind(unit: str, group: FeatureGroup, lookback: Lookback) -> Callable[[Compute], Compute]:
    """Return a decorator that registers a function as the kind of its name, defined by its docstring's first line.

    Raises ValueError for a name that is taken.
    """

    def register(compute: Compute) -> Compute:
        name = compute.__name__
        if name in KINDS:
            raise ValueError(f"there is a feature kind {name!r} already")
        definition = (getdoc(compute) or "").partition("\n")[0].removeprefix("Return ")
        KINDS[name] = FeatureKind(name, group, unit, definition, lookback, compute)
        return compute

    return register
