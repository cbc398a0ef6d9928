"""Objective: one number a trial, after costs, less what it risks; hard limits are constraints, not penalties.

    value = pnl_after_cost - drawdown_weight * max_drawdown - reject_weight * reject_rate - turnover_weight * turnover

A trial beyond a limit is infeasible however much it earned, and one whose measure is NaN or infinite has failed.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Protocol

from pydantic import Field, FiniteFloat

from distill_platform.core.config import StrictModel
from distill_platform.models.search.space import Parameters

_BEYOND = 1e12  # nothing that is measured here comes near; NaN and infinity are not below it
Weight = Annotated[FiniteFloat, Field(ge=0)]


@dataclass(frozen=True)
class TrialMeasure:
    """What one evaluation measured, as floats.

    `pnl_after_cost` is the return over the whole window, a fraction of equity, after every cost of the sealed world;
    `max_drawdown` a positive fraction of equity; `reject_rate` the fraction of orders that were rejected; `turnover`
    the traded value over equity per day, both ways.
    """

    pnl_after_cost: float
    max_drawdown: float
    reject_rate: float
    turnover: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            object.__setattr__(self, name, float(value))

    @property
    def is_sound(self) -> bool:
        """Return whether every number is finite and one that such a thing can be."""
        is_ordinary = all(abs(value) < _BEYOND for value in asdict(self).values())
        return is_ordinary and self.max_drawdown >= 0 and 0 <= self.reject_rate <= 1 and self.turnover >= 0


class Evaluate(Protocol):
    """Measures a candidate; it is pickled once for each worker process, so it holds values and opens nothing.

    The same parameters at the same rung must give the same measure wherever and whenever it runs. Rung 0 is the
    cheapest look; each further rung measures everything that the ones before did and more, the last one all of it.
    """

    @property
    def searchable(self) -> frozenset[str]:
        """Return the names of the parameters that a search may choose."""
        ...

    @property
    def lineage_id(self) -> str:
        """Return the hash of what it measures on: data, windows, sealed costs, code. Another one is another search."""
        ...

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        """Return the measure of a candidate at a rung; what it raises makes the trial a failed one."""
        ...


class ObjectiveSettings(StrictModel):
    """Weights of the penalties (at least 0: nobody is paid for a drawdown) and hard limits, in the measure's units."""

    drawdown_weight: Weight = 0.5
    reject_weight: Weight = 0.1
    turnover_weight: Weight = 0.0
    max_drawdown: Annotated[FiniteFloat, Field(gt=0, le=1)] = 0.35
    max_reject_rate: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.05
    max_turnover: Annotated[FiniteFloat, Field(gt=0)] = 4.0

    def value(self, measure: TrialMeasure) -> float:
        """Return the objective, higher is better; NaN for a measure that is not sound."""
        if not measure.is_sound:
            return math.nan
        penalty = self.drawdown_weight * measure.max_drawdown + self.reject_weight * measure.reject_rate
        return float(measure.pnl_after_cost - penalty - self.turnover_weight * measure.turnover)

    def constraints(self, measure: TrialMeasure) -> dict[str, float]:
        """Return by how much each limit is exceeded, by name; at most 0 where it is kept."""
        return {
            "max_drawdown": float(measure.max_drawdown - self.max_drawdown),
            "reject_rate": float(measure.reject_rate - self.max_reject_rate),
            "turnover": float(measure.turnover - self.max_turnover),
        }

    def violation(self, measure: TrialMeasure) -> float:
        """Return the sum of what exceeds the limits; 0 for a feasible trial."""
        return sum(max(0.0, excess) for excess in self.constraints(measure).values())
