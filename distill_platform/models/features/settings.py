"""Settings of the features of a model line: which kinds, over which windows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.feeds.events.projecting import ProjectionSettings

BarCount = Annotated[int, Field(ge=2, le=5_000)]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _increasing(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if tuple(sorted(set(values))) != values:
        raise ValueError("must increase, and hold nothing twice")
    return values


def _ordered(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] >= pair[1]:
        raise ValueError(f"the short window {pair[0]} must be shorter than the long one {pair[1]}")
    return pair


_Horizon = Annotated[int, Field(ge=1, le=5_000)]
_Pair = Annotated[tuple[BarCount, BarCount], BeforeValidator(_tuple), AfterValidator(_ordered)]

Horizons = Annotated[tuple[_Horizon, ...], BeforeValidator(_tuple), AfterValidator(_increasing)]
"""Lengths of time in bars; none of them leaves the kind out."""
Windows = Annotated[tuple[BarCount, ...], BeforeValidator(_tuple), AfterValidator(_increasing)]
"""Numbers of bars that something is estimated from, at least 2; none of them leaves the kind out."""
Pairs = Annotated[tuple[_Pair, ...], BeforeValidator(_tuple), AfterValidator(_increasing)]
"""A short and a long window each; none of them leaves the kind out."""


class BarFeatures(StrictModel):
    """Features of a symbol's own bars, by the name of their kind."""

    log_return: Horizons = (1, 3, 6, 12, 24, 72, 168)
    realized_volatility: Windows = (24, 168)
    volatility_ratio: Pairs = ((24, 168),)
    scaled_momentum: Windows = (24, 168)
    high_distance: Windows = (24, 168)
    low_distance: Windows = (24, 168)
    relative_strength: Windows = (14,)
    parkinson_volatility: Windows = (24,)
    garman_klass_volatility: Windows = (24,)
    return_autocorrelation: Windows = (168,)
    return_skewness: Windows = (168,)
    drawdown: Windows = (168,)
    volume_z_score: Windows = (24, 168)
    dollar_volume_change: Windows = (24,)
    amihud_illiquidity: Windows = (168,)
    missing_bars: Horizons = (24, 168)
    stale_bars: Horizons = (24,)


class PanelFeatures(StrictModel):
    """Features of a symbol beside all others, by the name of their kind."""

    momentum_rank: Horizons = (24, 168)
    market_return: Horizons = (24,)
    market_beta: Windows = (168,)
    market_correlation: Windows = (168,)


class FeatureSettings(StrictModel):
    """Which features a model line has. A group that is null is left out.

    A gap of `outage_bars` moments is an outage: no row that looks back on one is trained on or scored.
    """

    bars: BarFeatures | None = BarFeatures()
    panel: PanelFeatures | None = PanelFeatures()
    calendar: bool = True
    events: ProjectionSettings | None = None
    outage_bars: Annotated[int, Field(ge=1, le=1_000)] = 3

    @model_validator(mode="after")
    def _at_least_one(self) -> FeatureSettings:
        groups = [dict(group) for group in (self.bars, self.panel) if group is not None]
        if not self.calendar and self.events is None and not any(any(group.values()) for group in groups):
            raise ValueError("no feature is left: keep at least one group with at least one window")
        return self


class GuardSettings(StrictModel):
    """How frames are looked at for what they cannot know: see `causality` and `suspicion`."""

    cuts: Annotated[int, Field(ge=2, le=1_000)] = 24
    seed: Annotated[int, Field(ge=0)] = 0
    max_rank_correlation: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
