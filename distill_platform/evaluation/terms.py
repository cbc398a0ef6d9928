"""Terms of a world: its costs and stress grid as measuring takes them."""

from __future__ import annotations

from distill_platform.evaluation.metrics import EvaluationTerms, Scenario
from distill_platform.policy import stress_grid
from distill_platform.policy.world import World


def terms_of(world: World) -> EvaluationTerms:
    """Return what a world fixes for the measuring of its runs; without costs of its own, those of the run stand."""
    costs = world.costs or stress_grid.Costs(fee_bps=0.0, slippage_bps=0.0)
    grid = tuple(_scenario(scenario) for scenario in world.stress_grid or ())
    return EvaluationTerms(costs.fee_bps, costs.slippage_bps, costs.funding_bps_daily, grid)


def _scenario(scenario: stress_grid.Scenario) -> Scenario:
    """Return a scenario; a wider spread is more slippage, on top of what multiplies slippage already."""
    spread = (scenario.spread_multiplier or 1.0) * (scenario.slippage_multiplier or 1.0)
    return Scenario(
        scenario.name,
        fee_bps=scenario.fee_bps or 0.0,
        slippage_bps=scenario.slippage_bps or 0.0,
        funding_bps_daily=scenario.funding_bps_daily or 0.0,
        fee_multiplier=scenario.fee_multiplier or 1.0,
        slippage_multiplier=spread,
        worst_regime=scenario.regime == "worst",
    )
