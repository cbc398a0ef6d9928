"""How a model is rolled out, and what takes it back."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.strategies.bundles.manifest import Identifier

Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Shares = Annotated[tuple[Share, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]
Days = Annotated[int, Field(ge=1, le=3_650)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class DriftSettings(StrictModel):
    """How a feature's drift is measured, and how far it must go.

    A block of `block_days` is compared with the one before, in `bins` of equal shares of the history. A feature's bound
    is the `quantile` of its own history; so is the bound on the feature that went furthest beyond its own. A
    history of fewer than `min_blocks` blocks says nothing, and unknown is not a pass.
    """

    block_days: Days = 7
    bins: Annotated[int, Field(ge=2, le=100)] = 10
    quantile: Annotated[float, Field(gt=0.8, lt=1.0)] = 0.995
    min_blocks: Annotated[int, Field(ge=8)] = 20


class ExecutionSettings(StrictModel):
    """When executions are anomalous: `deviations` robust ones above what is usual, and above the floors in any case.

    `min_reject_rate` is a share of orders, `min_slippage_bps` of what was traded; up to these nothing is an anomaly.
    With fewer than `min_days` of history the floors are the bounds.
    """

    deviations: Positive = 6.0
    min_reject_rate: Share = 0.05
    min_slippage_bps: Positive = 5.0
    min_days: Annotated[int, Field(ge=5)] = 20


class RolloutSettings(StrictModel):
    """The steps of a rollout, and what ends it.

    A model is in shadow, then serves `canary` of the units, then each of `stages`, then all. It stays on a step for
    `min_days` observed days that pass, and waits for `keys` approvals for the next, `keys_to_full` for the last.
    It is taken back after `max_failures` days in a row that do not pass; a day does not pass when less than
    `min_coverage` of the rows could be scored, when the model has lost more than `max_loss` of equity since its
    best day on the step, or when anything about it is unknown. `salt` decides who is in the canary, and stays for a
    whole rollout.
    """

    canary: Share = 0.1
    stages: Annotated[Shares, Field(min_length=1)] = (0.25, 0.5)
    min_days: Days = 5
    keys: Annotated[int, Field(ge=1, le=9)] = 1
    keys_to_full: Annotated[int, Field(ge=2, le=9)] = 2
    max_failures: Annotated[int, Field(ge=1, le=100)] = 3
    min_coverage: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    max_loss: Share = 0.05
    salt: Identifier = "rollout-1"
    drift: DriftSettings = DriftSettings()
    execution: ExecutionSettings = ExecutionSettings()

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        if not all(lower < higher for lower, higher in pairwise((self.canary, *self.stages))):
            raise ValueError("stages: each must serve more than the one before, and the first more than the canary")
        return self
