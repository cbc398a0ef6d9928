"""Terms: at what costs and on whose word the runs of a line are made."""

from __future__ import annotations

from distill_platform.core.errors import ConfigError
from distill_platform.models.line import ModelLine
from distill_platform.policy.world import World
from distill_platform.strategies.engine.costs import CostProfile
from distill_platform.strategies.terms import Terms
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource


def costs_of(world: World) -> CostProfile:
    """Return the costs that a world seals; ConfigError for one that declares none."""
    if world.costs is None:
        raise ConfigError(f"world {world.world_id} declares no costs", hint="Trading is not free: declare them")
    return CostProfile(**world.costs.model_dump())


def terms_of(line: ModelLine, world: World, week: str, regime: DataRegime, code_version: str, commit: str) -> Terms:
    """Return the terms of all runs of a line's week: one cohort, in the line's own campaign."""
    return Terms(
        world_id=world.world_id,
        cohort_id=f"{line.name}-{week}",
        campaign_id=line.name,
        costs=costs_of(world),
        run_source=RunSource.PROD,
        score_source=ScoreSource.MODEL,
        data_regime=regime,
        code_version=code_version,
        commit_sha=commit,
    )
