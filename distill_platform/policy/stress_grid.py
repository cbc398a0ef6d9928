"""Costs and the stress grid: what trading costs in a world, and how much worse it is made to look."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.policy.rules.block import Amount
from distill_platform.policy.rules.stress import ScenarioName

Multiplier = Annotated[float, Field(ge=1.0, allow_inf_nan=False)]


class Costs(StrictModel):
    """What trading costs: basis points of what is turned over, and of what is held for a day."""

    fee_bps: Amount
    slippage_bps: Amount
    funding_bps_daily: Amount = 0.0


class Scenario(StrictModel):
    """One worse world: basis points on top of what a run paid, multiples of it, or only the worst regime's days."""

    name: ScenarioName
    fee_bps: Amount | None = None
    slippage_bps: Amount | None = None
    funding_bps_daily: Amount | None = None
    fee_multiplier: Multiplier | None = None
    slippage_multiplier: Multiplier | None = None
    spread_multiplier: Multiplier | None = None
    regime: Literal["worst"] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude={"name"}, exclude_none=True):
            raise ValueError(f"scenario {self.name!r} changes nothing: say what is worse in it")
        for cost in ("fee", "slippage"):
            if getattr(self, f"{cost}_bps") is not None and getattr(self, f"{cost}_multiplier") is not None:
                raise ValueError(f"scenario {self.name!r} sets and multiplies the {cost}: say one of the two")
        return self
