"""Pricing: the steps of a run again under other costs, all scenarios in one pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.evaluation.metrics.daily import DailySeries
from distill_platform.evaluation.metrics.steps import Floats, Integers, Steps
from distill_platform.evaluation.metrics.terms import EvaluationTerms, Scenario

_BPS = 1e-4

Panel = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Costs:
    """What T steps cost, and what they would cost at least by the world's terms: shape (9, T), rows as in `_weights`.

    `first` is the position of the first step of each of D days.
    """

    rows: Panel = field(repr=False)
    first: Integers = field(repr=False)

    def of_days(self, chosen: npt.NDArray[np.bool_]) -> Costs:
        """Return the costs of some of the days alone, one after the other."""
        lengths = np.diff(self.first, append=self.rows.shape[1])
        steps = np.repeat(chosen, lengths)
        kept = lengths[chosen]
        return Costs(np.ascontiguousarray(self.rows[:, steps]), np.cumsum(kept) - kept)


@dataclass(frozen=True, eq=False)
class Repriced:
    """S scenarios: net return of each of D days, shape (S, D), and the deepest fall of equity by step, shape (S,)."""

    net: Panel = field(repr=False)
    max_drawdown: Floats


def costs_of(steps: Steps, daily: DailySeries, terms: EvaluationTerms) -> Costs:
    """Return what the steps of a measurable run cost, next to what the world charges for the same turnover."""
    per_day = np.repeat(daily.n_steps, daily.n_steps)
    held = np.abs(steps.exposure) * _BPS / per_day
    paid_funding = np.maximum(steps.funding, 0.0)
    rows = (
        steps.net,
        steps.turnover * _BPS,
        held,
        steps.fee,
        np.maximum(steps.fee, steps.turnover * (terms.fee_bps * _BPS)),
        steps.slippage,
        np.maximum(steps.slippage, steps.turnover * (terms.slippage_bps * _BPS)),
        paid_funding,
        np.where(steps.funding < 0.0, 0.0, np.maximum(paid_funding, held * terms.funding_bps_daily)),
    )
    return Costs(np.stack(rows), daily.first)


def reprice(costs: Costs, scenarios: Sequence[Scenario]) -> Repriced:
    """Return each scenario's daily net returns, compounded from steps, and its maximum drawdown, positive.

    A step's net return loses what the scenario adds: bps of turnover, and for each multiplier above 1 that multiple of
    the cost paid or charged by the world, whichever is more, less what was paid. Funding received stays as it is. No
    step loses more than everything. O(S T).
    """
    weights = np.array([_weights(scenario) for scenario in scenarios]).reshape(len(scenarios), 8)
    net = np.empty((len(costs.first), len(scenarios)))
    lowest = np.ones(len(scenarios))
    _reprice(costs.rows, np.append(costs.first, costs.rows.shape[1]), np.ascontiguousarray(weights.T), net, lowest)
    return Repriced(np.ascontiguousarray(net.T), 1.0 - lowest)


def _weights(scenario: Scenario) -> tuple[float, ...]:
    """Return what is taken of each row after the first: turnover, what is held, then each cost as paid and charged."""
    multipliers = (scenario.fee_multiplier, scenario.slippage_multiplier, scenario.funding_multiplier)
    pairs = [(-1.0, multiplier) if multiplier > 1.0 else (0.0, 0.0) for multiplier in multipliers]
    added = (scenario.fee_bps + scenario.slippage_bps, scenario.funding_bps_daily)
    return (*added, *(weight for pair in pairs for weight in pair))


@kernel
def _reprice(rows: Panel, edges: Integers, weights: Panel, net: Panel, lowest: Floats) -> None:
    """Fill net returns, shape (D, S), and the lowest level of equity relative to its peak, shape (S,)."""
    n_scenarios = weights.shape[1]
    growth, level = np.empty(n_scenarios), np.ones(n_scenarios)
    for day in range(len(edges) - 1):
        growth[:] = 1.0
        for step in range(edges[day], edges[day + 1]):
            made = 1.0 + rows[0, step]
            turnover, held = rows[1, step], rows[2, step]
            fee, fee_charged = rows[3, step], rows[4, step]
            slippage, slippage_charged = rows[5, step], rows[6, step]
            funding, funding_charged = rows[7, step], rows[8, step]
            for s in range(n_scenarios):
                taken = (
                    (turnover * weights[0, s] + held * weights[1, s])
                    + (fee * weights[2, s] + fee_charged * weights[3, s])
                    + (slippage * weights[4, s] + slippage_charged * weights[5, s])
                    + (funding * weights[6, s] + funding_charged * weights[7, s])
                )
                factor = max(made - taken, 0.0)
                growth[s] *= factor
                level[s] = min(level[s] * factor, 1.0)
                lowest[s] = min(lowest[s], level[s])
        for s in range(n_scenarios):
            net[day, s] = growth[s] - 1.0
