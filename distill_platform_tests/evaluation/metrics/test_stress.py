"""Stress: a run priced again, step by step, against the same sums in plain numpy."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform import stats
from distill_platform.evaluation.metrics import EvaluationTerms, Scenario, terms_of
from distill_platform.policy.world import load_world
from distill_platform_tests.evaluation.metrics.made import GRID, HOUR, TERMS, made, measure, sound, values

SCENARIOS = st.builds(
    Scenario,
    name=st.just("worse"),
    fee_bps=st.floats(0, 50),
    slippage_bps=st.floats(0, 50),
    funding_bps_daily=st.floats(0, 5),
    fee_multiplier=st.floats(1, 5),
    slippage_multiplier=st.floats(1, 5),
    funding_multiplier=st.floats(1, 5),
)


def _with(*scenarios: Scenario) -> EvaluationTerms:
    return replace(TERMS, stress_grid=scenarios)


@pytest.mark.parametrize("per_day", [1, 24])
def test_a_scenario_is_the_run_with_other_costs_in_every_step(per_day: int) -> None:
    bundle = sound(seed=2, days=300, steps_per_day=per_day)
    net, turnover, fee, paid = (values(bundle.steps, name) for name in ("ret_net", "turnover", "fee", "slippage"))
    expected = {
        "slippage_bps_2": net - 2e-4 * turnover,
        "fees_x2": net - fee,
        "spread_x3": net - 2.0 * paid,
        "funding_x2": net,
    }
    found = measure(bundle)
    for name, series in expected.items():
        daily = (1.0 + series).reshape(300, per_day).prod(axis=1) - 1.0
        row = next(row for row in found.scenarios if row.name == name)
        assert row.net_sharpe == pytest.approx(stats.sharpe_annualized(daily, 365), rel=1e-9)
        assert row.total_return == pytest.approx(np.prod(1.0 + series) - 1.0, rel=1e-9)
        assert row.max_drawdown == pytest.approx(-stats.drawdown(series).max_drawdown, rel=1e-9)
        assert row.es_99 == pytest.approx(stats.es_historical(daily, 0.99), rel=1e-9)
        assert found.metrics[f"stress.{name}.net_sharpe"] == row.net_sharpe


@settings(deadline=None, max_examples=40)
@given(SCENARIOS, st.integers(0, 5))
def test_a_worse_world_never_pays_more(scenario: Scenario, seed: int) -> None:
    bundle = sound(seed=seed, days=60, steps_per_day=3)
    found = measure(bundle, _with(Scenario("same"), scenario))
    same, worse = found.scenarios
    assert worse.total_return <= same.total_return + 1e-12
    assert worse.max_drawdown >= same.max_drawdown - 1e-12
    assert same.total_return == pytest.approx(found.number("returns.total_return"))
    assert same.net_sharpe == pytest.approx(found.number("returns.sharpe_daily"))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 5), st.floats(0, 20), st.floats(0, 20))
def test_higher_costs_on_steady_trading_never_raise_the_sharpe_ratio(seed: int, one: float, other: float) -> None:
    net = np.random.default_rng(seed).normal(0.001, 0.01, 120)
    terms = _with(Scenario("less", slippage_bps=min(one, other)), Scenario("more", slippage_bps=max(one, other)))
    less, more = measure(made(net), terms).scenarios
    assert more.net_sharpe <= less.net_sharpe + 1e-9


def test_a_run_that_recorded_no_slippage_is_not_spared_wider_spreads() -> None:
    bundle = made(np.random.default_rng(1).normal(0.001, 0.01, 300))
    found = measure(bundle, _with(Scenario("same"), Scenario("wide", slippage_multiplier=3.0)))
    same, wide = found.scenarios
    assert math.log1p(wide.total_return) < math.log1p(same.total_return) - 300 * 2.9e-4


def test_funding_received_is_not_multiplied_and_funding_paid_is() -> None:
    net = np.random.default_rng(1).normal(0.001, 0.01, 300)
    terms = _with(Scenario("same"), Scenario("dear", funding_multiplier=2.0))
    same, dear = measure(made(net, funding=-1e-4), terms).scenarios
    assert dear.total_return == same.total_return
    same, dear = measure(made(net, funding=1e-4), terms).scenarios
    assert math.log1p(same.total_return) - math.log1p(dear.total_return) == pytest.approx(300e-4, rel=0.01)


def test_what_is_held_pays_the_worlds_funding_by_the_day_whatever_the_steps() -> None:
    net = np.random.default_rng(1).normal(0.0, 0.001, 24 * 50)
    dear = _with(Scenario("dear", funding_bps_daily=10.0))
    row = measure(made(net, HOUR, exposure=2.0), dear).scenarios[0]
    paid = np.log1p(net).sum() - math.log1p(row.total_return)
    assert paid == pytest.approx(50 * 20e-4, rel=0.01)


def test_no_step_loses_more_than_everything() -> None:
    net = np.random.default_rng(1).normal(0.0, 0.01, 300)
    row = measure(made(net, turnover=200.0), _with(Scenario("ruin", slippage_bps=100.0))).scenarios[0]
    assert (row.total_return, row.max_drawdown) == (-1.0, 1.0)
    assert math.isnan(row.net_sharpe)


def test_break_even_is_where_the_cost_curve_crosses_nothing() -> None:
    bundle = sound(sharpe=2.0, days=700)
    found = measure(bundle)
    level = found.number("stress.breakeven_bps")
    at_level = measure(bundle, replace(TERMS, cost_curve_bps=(0.0, level)))
    assert at_level.cost_curve[0].net_sharpe == pytest.approx(found.number("returns.sharpe_daily"))
    assert at_level.cost_curve[1].net_sharpe == pytest.approx(0.0, abs=1e-9)
    assert [point.added_bps for point in found.cost_curve] == list(TERMS.cost_curve_bps)


def test_the_worst_regime_is_the_third_of_days_that_made_least() -> None:
    found = measure(sound(days=700))
    row = next(row for row in found.scenarios if row.name == "worst_regime")
    assert row.net_sharpe == pytest.approx(found.number("regime.worst_sharpe"))
    short = measure(sound(days=50))
    assert math.isnan(next(row for row in short.scenarios if row.name == "worst_regime").net_sharpe)


def test_scenarios_come_in_the_order_of_the_terms() -> None:
    assert [row.name for row in measure(sound()).scenarios] == [scenario.name for scenario in GRID]


def test_the_terms_of_a_world_are_its_costs_and_its_grid() -> None:
    world = load_world(Path("config/worlds/us_equity_daily.yaml"))
    terms = terms_of(world)
    assert (terms.fee_bps, terms.slippage_bps, terms.funding_bps_daily) == (1.0, 1.0, 0.0)
    assert terms.stress_grid == (
        Scenario("slippage_bps_2", slippage_bps=2.0),
        Scenario("fees_x2", fee_multiplier=2.0),
        Scenario("spread_x3", slippage_multiplier=3.0),
        Scenario("worst_regime", worst_regime=True),
    )
