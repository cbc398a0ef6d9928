"""What it takes to be recommended."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from distill_platform.core.config import StrictModel
from distill_platform.policy.spelling import word_of
from distill_platform.policy.words import Status

Probability = Annotated[float, Field(ge=0.5, lt=1.0)]


def _never_fail(status: Status) -> Status:
    if status is Status.FAIL:
        raise ValueError("a model that failed in its world is never promoted: say 'pass' or 'warn'")
    return status


Gates = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


class PromotionSettings(StrictModel):
    """The bounds of a promotion; a value equal to its bound passes.

    `min_probability` is how sure one must be that a candidate earns more than a control arm, from paired days;
    `max_extra_drawdown` how much deeper than an arm's its drawdown may be, as a share of equity. `max_p_value` bounds
    the significance against labels that were shuffled in blocks. `worst_verdict` is the worst of its world that is
    accepted, `open_gates` are the world's gates that must have opened. `min_days` is asked for in each window.
    """

    min_probability: Probability = 0.9
    max_extra_drawdown: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    max_p_value: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    min_days: Annotated[int, Field(ge=10)] = 20
    worst_verdict: Annotated[Status, word_of(Status), AfterValidator(_never_fail)] = Status.PASS
    open_gates: Gates = ("stage0_integrity", "stage1_dev", "stage2_wf", "stage3_stress")
    resamples: Annotated[int, Field(ge=1_000, le=1_000_000)] = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
