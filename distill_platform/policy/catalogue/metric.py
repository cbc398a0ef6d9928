"""What the catalogue says of a metric."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from distill_platform.core.expression import Kind


class Direction(StrEnum):
    """Which way of a metric is the good one."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE = "none"


@dataclass(frozen=True)
class Metric:
    """A metric, declared once. `name` is dotted, `producer` the asset that computes it, `source` the literature.

    Nothing is below `lowest` or above `highest`: a drawdown of -0.5 is another convention, and no small drawdown.
    """

    name: str
    kind: Kind
    unit: str
    direction: Direction
    producer: str
    definition: str
    source: str
    lowest: float = -math.inf
    highest: float = math.inf

    def can_be(self, value: float) -> bool:
        """Return whether the metric can have this value."""
        return self.lowest <= value <= self.highest

    @property
    def leaf(self) -> str:
        """Return the name without its group."""
        return self.name.rpartition(".")[2]


_SPANS = {
    "probability": (0.0, 1.0),
    **dict.fromkeys(("years", "days", "trades", "trades per year", "runs", "seconds"), (0.0, math.inf)),
    "times equity per year": (0.0, math.inf),
}
Declare = Callable[..., Metric]
HIGHER, LOWER, NONE = Direction


def group(prefix: str, producer: str) -> Declare:
    """Return the function that declares a metric of one group: leaf, unit, direction, definition, source, kind."""

    def declare(
        leaf: str, unit: str, direction: Direction, definition: str, source: str = "", kind: Kind = Kind.NUMBER,
        lowest: float | None = None,
    ) -> Metric:  # fmt: skip
        least, most = _SPANS.get(unit, (-math.inf, math.inf))
        least = least if lowest is None else lowest
        return Metric(f"{prefix}.{leaf}", kind, unit, direction, producer, definition, source, least, most)

    return declare


def flags(prefix: str, producer: str, good: bool) -> Declare:
    """Return the function that declares a yes-or-no metric of one group; `good` is the value to wish for."""

    def declare(leaf: str, definition: str, source: str = "") -> Metric:
        direction = HIGHER if good else LOWER
        return Metric(f"{prefix}.{leaf}", Kind.BOOLEAN, "yes or no", direction, producer, definition, source)

    return declare
