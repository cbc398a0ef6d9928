"""Trials: what was tried, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, FiniteFloat, ValidationError, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.errors import TrialError
from distill_platform.models.search.objective import TrialMeasure
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.space import Parameters


class TrialState(StrEnum):
    """How a trial ended: measured on every rung, stopped on the way, or without a finite measure."""

    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"


class Measured(StrictModel):
    """The numbers of one rung, all finite."""

    pnl_after_cost: FiniteFloat
    max_drawdown: FiniteFloat
    reject_rate: FiniteFloat
    turnover: FiniteFloat

    def measure(self) -> TrialMeasure:
        """Return them as the evaluation gave them."""
        return TrialMeasure(self.pnl_after_cost, self.max_drawdown, self.reject_rate, self.turnover)


class Trial(StrictModel):
    """One trial: nothing in it depends on when or where it ran, so that a search is the same list wherever it runs.

    `rungs` are its measures from rung 0 on; `value` and `constraints` are those of the last one, None for a failed
    trial, whose `reason` says why.
    """

    number: Annotated[int, Field(ge=0)]
    batch: Annotated[int, Field(ge=0)]
    state: Annotated[TrialState, BeforeValidator(lambda value: TrialState(value) if isinstance(value, str) else value)]
    parameters: dict[str, bool | int | float | str]
    rungs: Annotated[
        tuple[Measured, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
    ]
    value: FiniteFloat | None
    constraints: dict[str, FiniteFloat] | None
    reason: str | None

    @model_validator(mode="after")
    def _check(self) -> Self:
        is_failed = self.state is TrialState.FAILED
        if is_failed != (self.reason is not None) or is_failed != (self.value is None or self.constraints is None):
            raise ValueError("a failed trial has a reason and no value, and any other a value and no reason")
        if not is_failed and not self.rungs:
            raise ValueError("a trial that did not fail has at least one rung")
        return self

    @property
    def is_eligible(self) -> bool:
        """Return whether it was measured on every rung and keeps every limit: only such a trial can be handed on."""
        return self.state is TrialState.FINISHED and all(excess <= 0 for excess in (self.constraints or {}).values())

    def to_body(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return self.model_dump(mode="json")

    @classmethod
    def from_body(cls, body: object) -> Self:
        """Return the trial that a JSON value holds; TrialError for anything that `to_body` does not write."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "it"
            raise TrialError(f"not a trial: {place}: {first['msg']}") from None


def ended(
    plan: SearchPlan, number: int, parameters: Parameters, measures: list[TrialMeasure], state: TrialState
) -> Trial:
    """Return the finished or pruned trial that these measures, all finite, make."""
    return Trial(
        number=number,
        batch=plan.batch_of(number),
        state=state,
        parameters=parameters,
        rungs=tuple(Measured(**asdict(measure)) for measure in measures),
        value=plan.objective.value(measures[-1]),
        constraints=plan.objective.constraints(measures[-1]),
        reason=None,
    )


def failed(plan: SearchPlan, number: int, parameters: Parameters, measures: list[TrialMeasure], reason: str) -> Trial:
    """Return the failed trial; `measures` are those of the rungs before the one it failed on."""
    return Trial(
        number=number,
        batch=plan.batch_of(number),
        state=TrialState.FAILED,
        parameters=parameters,
        rungs=tuple(Measured(**asdict(measure)) for measure in measures),
        value=None,
        constraints=None,
        reason=reason,
    )
