"""Stress: the same run in worse worlds, priced again step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.daily import (
    DAYS_PER_YEAR,
    DailySeries,
    Days,
    settled,
    sharpe_annual,
)
from distill_platform.evaluation.metrics.pricing import Costs, costs_of, reprice
from distill_platform.evaluation.metrics.regime import REGIMES, Labels
from distill_platform.evaluation.metrics.returns import total_return
from distill_platform.evaluation.metrics.steps import Floats, Steps
from distill_platform.evaluation.metrics.terms import EvaluationTerms, Scenario
from distill_platform.stats import breakeven_cost_bps, es_historical, sharpe

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ScenarioRow:
    """A run under one scenario: Sharpe ratio by the year, drawdown and expected shortfall (99 %, by day) positive."""

    name: str
    net_sharpe: float
    max_drawdown: float
    es_99: float
    total_return: float


@dataclass(frozen=True)
class CostPoint:
    """A run with costs on top of its own, in bps per unit of turnover."""

    added_bps: float
    net_sharpe: float
    total_return: float


@dataclass(frozen=True)
class Stressed:
    """A run under all scenarios of its world, in their order, and along the cost curve."""

    scenarios: tuple[ScenarioRow, ...]
    cost_curve: tuple[CostPoint, ...]
    breakeven_bps: float


def stressed(steps: Steps, daily: DailySeries, labels: Labels, terms: EvaluationTerms) -> Stressed:
    """Return what a run with at least one day would have been in each scenario of the terms; NaN where undefined."""
    costs = costs_of(steps, daily, terms)
    curve = [Scenario("", slippage_bps=bps) for bps in terms.cost_curve_bps]
    everywhere = [scenario for scenario in terms.stress_grid if not scenario.worst_regime]
    found = _rows(costs, daily, [*everywhere, *curve])
    rows = {row.name: row for row in found[: len(everywhere)]}
    worst = _worst_days(daily, labels, terms.min_regime_days)
    rows |= {one.name: _within(costs, daily, one, worst) for one in terms.stress_grid if one.worst_regime}
    points = zip(terms.cost_curve_bps, found[len(everywhere) :], strict=True)
    return Stressed(
        tuple(rows[scenario.name] for scenario in terms.stress_grid),
        tuple(CostPoint(bps, row.net_sharpe, row.total_return) for bps, row in points),
        breakeven_cost_bps(daily.pnl, daily.turnover),
    )


def undefined(terms: EvaluationTerms) -> Stressed:
    """Return the scenarios of a run of which nothing can be said: all of them there, all of them NaN."""
    return Stressed(
        tuple(_undefined_row(scenario.name) for scenario in terms.stress_grid),
        tuple(CostPoint(bps, math.nan, math.nan) for bps in terms.cost_curve_bps),
        math.nan,
    )


def stress_metrics(found: Stressed) -> dict[str, float]:
    """Return `stress.*` by what follows the group: the break-even, and `<scenario>.<leaf>` for each scenario."""
    metrics = {"breakeven_bps": found.breakeven_bps}
    for row in found.scenarios:
        metrics[f"{row.name}.net_sharpe"] = row.net_sharpe
        metrics[f"{row.name}.max_drawdown"] = row.max_drawdown
        metrics[f"{row.name}.es_99"] = row.es_99
        metrics[f"{row.name}.total_return"] = row.total_return
    return metrics


def _rows(costs: Costs, daily: DailySeries, scenarios: Sequence[Scenario]) -> list[ScenarioRow]:
    """Return the scenarios on all days of the calendar."""
    repriced = reprice(costs, scenarios)
    rows = zip(scenarios, repriced.net, repriced.max_drawdown, strict=True)
    return [_row(scenario.name, daily, net, fall, daily.days) for scenario, net, fall in rows]


def _within(costs: Costs, daily: DailySeries, scenario: Scenario, chosen: Chosen) -> ScenarioRow:
    """Return a scenario on some days alone; NaN where there are none."""
    if not chosen.any():
        return _undefined_row(scenario.name)
    repriced = reprice(costs.of_days(chosen), [scenario])
    return _row(scenario.name, daily, repriced.net[0], repriced.max_drawdown[0], None)


def _row(name: str, daily: DailySeries, net: Floats, fall: np.float64, days: Days | None) -> ScenarioRow:
    """Return the statistics of a scenario's days; days without a place in the calendar are those that have steps."""
    if not np.isfinite(net).all():
        return _undefined_row(name)
    net = settled(net, daily.magnitude)
    if days is None:
        ratio = sharpe(net) * math.sqrt(len(daily) * DAYS_PER_YEAR / daily.calendar_days)
    else:
        ratio = sharpe_annual(days, net)
    return ScenarioRow(name, ratio, float(fall), es_historical(net, 0.99), total_return(net))


def _worst_days(daily: DailySeries, labels: Labels, fewest: int) -> Chosen:
    """Return the days of the third of volatility that made least a day, of those with enough days; none if none has."""
    thirds = [labels == place for place in range(len(REGIMES))]
    judged = [third for third in thirds if third.sum() >= fewest]
    return min(judged, key=lambda third: float(daily.net[third].mean()), default=np.zeros(len(daily), np.bool_))


def _undefined_row(name: str) -> ScenarioRow:
    return ScenarioRow(name, *(math.nan,) * 4)
