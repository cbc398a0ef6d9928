"""Validation profiles: what a world demands of the runs of one stage, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from distill_platform.core.config import StrictModel
from distill_platform.policy.rules import (
    Benchmark,
    Cohort,
    DataCurrency,
    LiveMonitoring,
    PaperShadowConsistency,
    Performance,
    Portfolio,
    RiskConstraint,
    Robustness,
    RuleBlock,
    Sample,
    Stress,
)
from distill_platform.policy.spelling import word_of
from distill_platform.policy.words import OnTrouble, Stage

ProfileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


class Profile(StrictModel):
    """The rules of a profile, in the order in which they are judged. One without parameters is not configured."""

    data_currency: DataCurrency = DataCurrency()
    sample: Sample = Sample()
    performance: Performance = Performance()
    risk_constraint: RiskConstraint = RiskConstraint()
    robustness: Robustness = Robustness()
    cohort: Cohort = Cohort()
    portfolio: Portfolio = Portfolio()
    benchmark: Benchmark = Benchmark()
    stress: Stress = Stress()
    paper_shadow_consistency: PaperShadowConsistency = PaperShadowConsistency()
    live_monitoring: LiveMonitoring = LiveMonitoring()

    def blocks(self) -> Iterator[tuple[str, RuleBlock]]:
        """Yield each rule's name and block."""
        for name in type(self).model_fields:
            yield name, getattr(self, name)


class ProfileByStage(StrictModel):
    """The profile of each stage. A stage that is not here cannot be judged."""

    backtest_only: ProfileName | None = None
    paper_only: ProfileName | None = None
    live: ProfileName | None = None

    def of(self, stage: Stage) -> str | None:
        """Return the name of the profile that runs of `stage` are judged by."""
        value: str | None = getattr(self, STAGE_KEYS[stage])
        return value


STAGE_KEYS = {Stage.BACKTEST: "backtest_only", Stage.PAPER: "paper_only", Stage.LIVE: "live"}


class Validation(StrictModel):
    """What becomes of a run when a rule crashes or misses a metric."""

    on_error: Annotated[OnTrouble, word_of(OnTrouble)] = OnTrouble.FAIL
    on_missing_metric: Annotated[OnTrouble, word_of(OnTrouble)] = OnTrouble.FAIL


Profiles = Annotated[dict[ProfileName, Profile], Field(min_length=1)]
