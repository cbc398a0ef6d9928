"""Pruning: of each batch only the better part climbs on to the next rung.

Synchronous successive halving (Jamieson and Talwalkar 2016, Algorithm 1) within a batch: the decision looks at the
values of the whole batch at one rung and at nothing else, so that no clock and no number of workers can change it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distill_platform.models.search.objective import ObjectiveSettings, TrialMeasure
from distill_platform.models.search.trial import Trial

_ROUNDING = 1e-9  # 0.1 * 30 is a little more than 3


def survivors(measures: Mapping[int, TrialMeasure], objective: ObjectiveSettings, keep: float) -> list[int]:
    """Return the numbers of the trials that climb on, in order: the best `keep` of them, rounded up, at least one.

    Feasible trials come before infeasible ones, then the higher value, then the lower number; among infeasible ones
    the smaller violation. All measures are finite: a trial that failed is not in a batch any more.
    """

    def rank(number: int) -> tuple[float, float, int]:
        return objective.violation(measures[number]), -objective.value(measures[number]), number

    return sorted(sorted(measures, key=rank)[: math.ceil(keep * len(measures) - _ROUNDING)])


@dataclass(frozen=True)
class Work:
    """How much was measured, in rungs, and how much all these points would have taken without pruning."""

    measured: int
    unpruned: int

    @property
    def saved(self) -> float:
        """Return the share of the work that was not done, between 0 and 1."""
        return 1 - self.measured / self.unpruned if self.unpruned else 0.0


def work(trials: Sequence[Trial], rungs: int) -> Work:
    """Return the work that trials took; a point that was tried again counts once, as it is measured once."""
    points: dict[tuple[tuple[str, object], ...], int] = {}
    for trial in trials:
        point = tuple(sorted(trial.parameters.items()))
        points[point] = max(points.get(point, 0), len(trial.rungs))
    return Work(sum(points.values()), rungs * len(points))
