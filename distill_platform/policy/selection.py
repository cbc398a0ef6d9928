"""Selection: how many of the runs that did not fail are taken, and how alike they may be."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.expression import Kind
from distill_platform.core.expression.wording import nearest_name
from distill_platform.policy.catalogue import ALIASES, CATALOGUE, Direction, canonical, metric
from distill_platform.policy.rules.block import Count, Number

DEFAULT_RANK = "returns.sharpe_daily"


def _rankable(name: str) -> str:
    found = metric(canonical(name))
    if found is None:
        raise ValueError(f"the metric {name!r} is not known. {nearest_name(name, [*CATALOGUE, *ALIASES])}")
    if found.kind is not Kind.NUMBER or found.direction is Direction.NONE:
        raise ValueError(f"{name!r} cannot rank runs: it has no better end")
    return found.name


RankMetric = Annotated[str, AfterValidator(_rankable)]


class TopK(StrictModel):
    """The best `k` strategies by a metric."""

    metric: RankMetric
    k: Count


class Correlation(StrictModel):
    """The highest correlation with a better ranked strategy that is taken."""

    max: Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]


class Hysteresis(StrictModel):
    """What newcomers need to enter, and what members need to stay."""

    metric: RankMetric
    enter: Number
    exit: Number

    @model_validator(mode="after")
    def _entering_is_harder(self) -> Self:
        lower = is_lower_better(self.metric)
        if self.enter > self.exit if lower else self.enter < self.exit:
            raise ValueError("entering must be at least as hard as staying: 'enter' is on the easier side of 'exit'")
        return self


class Selection(StrictModel):
    """The three steps, in their order; one that is not there leaves nobody out."""

    top_k: TopK | None = None
    correlation: Correlation | None = None
    hysteresis: Hysteresis | None = None

    @property
    def rank_metric(self) -> str:
        """Return the metric that puts strategies in order."""
        ranking = self.top_k or self.hysteresis
        return ranking.metric if ranking else DEFAULT_RANK


def is_lower_better(name: str) -> bool:
    """Return whether the lower end of a known metric is the good one."""
    found = metric(name)
    return found is not None and found.direction is Direction.LOWER
