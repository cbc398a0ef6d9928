"""Windows: consecutive stretches of a series, and the three in which a strategy is found, chosen and proven.

What was searched on is judged on the validation window, and what was chosen there on the forward window, which nobody
has looked at before. Gaps between them hold the labels that reach from one into the next.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """Observations from `start` up to, without, `stop`; never empty."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"a span needs 0 <= start < stop, not {self.start} and {self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def slice(self) -> slice:
        """Return the slice that takes these observations out of an array."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class StageWindows:
    """Where to search, to validate and to look forward: three spans in this order, none of which overlap.

    Raises ValueError when one begins before the one before it has ended.
    """

    search: Span
    validation: Span
    forward: Span

    def __post_init__(self) -> None:
        for earlier, later in pairwise((self.search, self.validation, self.forward)):
            if later.start < earlier.stop:
                raise ValueError(f"windows must follow each other without overlap: {later} begins within {earlier}")


def stage_windows(
    n: int, search: float = 0.6, validation: float = 0.2, forward: float = 0.2, gap: int = 0
) -> StageWindows:
    """Return the three windows of n observations, the last of which ends with the newest observation.

    Give three integers, numbers of observations, or three fractions below 1 of what is left without the two gaps of
    `gap` observations each; edges are rounded to the nearest observation. What the windows do not need is left over at
    the beginning. No label reaches from one window into the next if it is known within `gap` observations.

    Raises ValueError for sizes that are not positive or do not fit, integers mixed with fractions, and a negative gap.
    """
    n, gap = operator.index(n), operator.index(gap)
    if gap < 0:
        raise ValueError(f"gap must not be negative: {gap}")
    sizes = _sizes((search, validation, forward), n - 2 * gap)
    start = n - sum(sizes) - 2 * gap
    if start < 0 or min(sizes) < 1:
        raise ValueError(f"windows of {sizes} observations with gaps of {gap} between them do not fit into {n}")
    spans = []
    for size in sizes:
        spans.append(Span(start, start + size))
        start += size + gap
    return StageWindows(*spans)


def _sizes(parts: tuple[Any, Any, Any], available: int) -> tuple[int, int, int]:
    search, validation, forward = parts
    if all(isinstance(part, float) for part in parts):
        if not (min(parts) > 0.0 and sum(parts) <= 1.0 + 1e-12):
            raise ValueError(f"fractions must be positive and add up to at most 1, not {parts}")
        edges = [0, *(round(share * available) for share in (search, search + validation, sum(parts)))]
        return edges[1], edges[2] - edges[1], edges[3] - edges[2]
    if any(isinstance(part, float) for part in parts):
        raise ValueError(f"give three numbers of observations or three fractions, not a mixture: {parts}")
    return operator.index(search), operator.index(validation), operator.index(forward)
