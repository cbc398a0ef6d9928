"""Terms: what a world fixes for every run it judges, so that no run can choose how it is measured."""

from __future__ import annotations

from dataclasses import dataclass

from distill_platform.policy.stress_grid import Scenario as WorldScenario
from distill_platform.policy.world import World


@dataclass(frozen=True)
class Scenario:
    """A worse world: what is added to or multiplied with a run's costs, and whether only its worst regime is left.

    Basis points come on top of what the run paid: of turnover, and of what is held for a day (`funding_bps_daily`).
    Multipliers apply to what the run paid, or to what the world charges where that is more: a run that recorded nothing
    is not spared. None of them makes anything cheaper.
    """

    name: str
    fee_bps: float = 0.0
    slippage_bps: float = 0.0
    funding_bps_daily: float = 0.0
    fee_multiplier: float = 1.0
    slippage_multiplier: float = 1.0
    funding_multiplier: float = 1.0
    worst_regime: bool = False


@dataclass(frozen=True)
class EvaluationTerms:
    """Costs that the world charges, its stress grid, and where measuring ends for want of evidence."""

    fee_bps: float
    slippage_bps: float
    funding_bps_daily: float
    stress_grid: tuple[Scenario, ...]
    cost_curve_bps: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
    n_resamples: int = 1_000
    min_observation_days: int = 252
    min_trades: int = 30
    max_idle_share: float = 0.95
    volatility_floor: float = 1e-6
    regime_window_days: int = 63
    min_regime_days: int = 21
    n_folds: int = 5


def terms_of(world: World) -> EvaluationTerms:
    """Return the terms on which a world measures runs; one that states no costs charges nothing of its own."""
    costs = world.costs
    return EvaluationTerms(
        fee_bps=costs.fee_bps if costs else 0.0,
        slippage_bps=costs.slippage_bps if costs else 0.0,
        funding_bps_daily=costs.funding_bps_daily if costs else 0.0,
        stress_grid=tuple(_scenario(scenario) for scenario in world.stress_grid or ()),
    )


def _scenario(scenario: WorldScenario) -> Scenario:
    """Return a scenario of the world in numbers; slippage and spread both multiply what was paid beyond the fee."""
    return Scenario(
        name=scenario.name,
        fee_bps=scenario.fee_bps or 0.0,
        slippage_bps=scenario.slippage_bps or 0.0,
        funding_bps_daily=scenario.funding_bps_daily or 0.0,
        fee_multiplier=scenario.fee_multiplier or 1.0,
        slippage_multiplier=(scenario.slippage_multiplier or 1.0) * (scenario.spread_multiplier or 1.0),
        worst_regime=scenario.regime == "worst",
    )
