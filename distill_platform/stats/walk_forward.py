"""Walk-forward: train on the past, test on what follows, move on, and never look back from a test.

Rolling windows keep the length of the training span and forget; anchored ones always begin with the first observation.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

from distill_platform.stats.windows import Span


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a walk-forward: the observations to train on, and the later ones to test on."""

    train: Span
    test: Span

    def __post_init__(self) -> None:
        if self.test.start < self.train.stop:
            raise ValueError(f"a test must not begin before training has ended: {self.test}, {self.train}")


def walk_forward(
    n: int, train: int, test: int, step: int | None = None, gap: int = 0, anchored: bool = False
) -> tuple[Window, ...]:
    """Return the windows that fit into n observations, oldest first: all of the same test length.

    Between training and test, `gap` observations are left out: no training label that is known within `gap`
    observations reaches into the test. Windows move by `step` observations, by default by `test`, so that each
    observation after the first training span is tested once; newest observations that fill no whole test are unused.
    `train` is the length of each training span, or of the first one only where they are anchored. O(windows).

    Raises ValueError for lengths below 1, a negative gap, and when not one window fits.
    """
    n, train, test, gap = (operator.index(number) for number in (n, train, test, gap))
    step = test if step is None else operator.index(step)
    if min(train, test, step) < 1 or gap < 0:
        raise ValueError(f"train, test and step must be 1 or more, gap 0 or more: {train}, {test}, {step}, {gap}")
    first_test = train + gap
    if first_test + test > n:
        raise ValueError(f"not one window fits: train + gap + test = {first_test + test} observations of {n}")
    return tuple(
        Window(Span(0 if anchored else begin - first_test, begin - gap), Span(begin, begin + test))
        for begin in range(first_test, n - test + 1, step)
    )
