"""Settings of the event pipeline; every threshold of it is here."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from distill_platform.core.config import StrictModel

WINDOW_DAYS = 2
"""How many days before a day decide about the events of that day."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Percent = Annotated[float, Field(ge=0.0, le=100.0)]


class ClusteringSettings(StrictModel):
    """When a report repeats an earlier one."""

    window_h: Annotated[int, Field(ge=1, le=24 * WINDOW_DAYS)] = 24 * WINDOW_DAYS
    similarity: Percent = 75.0
    """Of titles of different outlets: the token set ratio."""

    same_outlet_similarity: Percent = 95.0
    """Of titles of one outlet, which writes one report after the other to the same pattern."""

    shared_words: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """The least share of the two titles' different words that both must have (Jaccard)."""

    fewest_words: Annotated[int, Field(ge=1, le=20)] = 3
    """Titles of fewer words are the same only where all their words are."""


class QualityWeights(StrictModel):
    """What counts how much for the quality of an event; together 1."""

    tier: Fraction = 0.3
    confidence: Fraction = 0.25
    title: Fraction = 0.15
    lag: Fraction = 0.1
    link: Fraction = 0.15
    corroboration: Fraction = 0.05

    @model_validator(mode="after")
    def _together_one(self) -> Self:
        total = sum((self.tier, self.confidence, self.title, self.lag, self.link, self.corroboration))
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the weights of quality add up to {total:g}, not to 1")
        return self


class QualitySettings(StrictModel):
    """How quality is scored, and below what an event is of low quality."""

    weights: QualityWeights = QualityWeights()
    lag_half_life_h: Annotated[float, Field(gt=0.0, le=24.0 * 365)] = 6.0
    lowest: Fraction = 0.5


class EventSettings(StrictModel):
    """How raw reports become events."""

    longest_title: Annotated[int, Field(ge=20, le=10_000)] = 1_000
    clustering: ClusteringSettings = ClusteringSettings()
    quality: QualitySettings = QualitySettings()
