import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from distill_platform.stats.costs import breakeven_cost_bps, cost_stress_sharpe

GROSS = [0.004, -0.002, 0.003, 0.001]
TURNOVER = [0.5, 1.0, 0.2, 0.0]

PERIODS = st.lists(st.tuples(st.integers(-500, 500), st.integers(0, 3000)), min_size=2, max_size=30)


def exact_sharpe(net: list[Fraction]) -> float:
    mean = sum(net) / len(net)
    variance = sum((value - mean) ** 2 for value in net) / (len(net) - 1)
    return float(mean) / math.sqrt(variance) if variance else math.nan


@given(PERIODS, st.lists(st.integers(0, 100), max_size=4))
def test_sharpe_ratios_are_those_of_net_returns_in_fractions(periods: list[tuple[int, int]], costs: list[int]) -> None:
    gross = [Fraction(value, 10_000) for value, _ in periods]
    turnover = [Fraction(value, 1000) for _, value in periods]
    found = cost_stress_sharpe(list(map(float, gross)), list(map(float, turnover)), np.array(costs, dtype=float))
    expected = [exact_sharpe([g - u * c / 10_000 for g, u in zip(gross, turnover, strict=True)]) for c in costs]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_costs_take_the_edge_step_by_step() -> None:
    found = cost_stress_sharpe(GROSS, TURNOVER, [0, 5, 10, 20])
    np.testing.assert_allclose(found, [0.5669467, 0.4640644, 0.3689572, 0.2019777], rtol=1e-6)


def test_one_level_may_be_a_number() -> None:
    np.testing.assert_array_equal(cost_stress_sharpe(GROSS, TURNOVER, 5), cost_stress_sharpe(GROSS, TURNOVER, [5]))


def test_net_returns_that_only_rounding_moves_have_no_sharpe_ratio() -> None:
    turnover = np.random.default_rng(1).uniform(0.0, 2.0, 250)
    gross = 0.001 + turnover * 5e-4
    assert np.ptp(gross - turnover * 5e-4) > 0.0
    sharpe = cost_stress_sharpe(gross, turnover, [4.9, 5.0, 5.1])
    assert np.isnan(sharpe).tolist() == [False, True, False]


def test_a_constant_or_single_return_has_no_sharpe_ratio() -> None:
    assert np.isnan(cost_stress_sharpe([0.001] * 250, [0.3] * 250, [0, 10])).all()
    assert np.isnan(cost_stress_sharpe([0.001], [0.3], [0, 10])).all()
    assert np.isnan(cost_stress_sharpe([0.0, 0.0], [0.0, 0.0], [0, 10])).all()


def test_a_wipe_out_is_a_return_like_others() -> None:
    assert cost_stress_sharpe([-1.0, 0.0], [1.0, 0.0], [0])[0] == pytest.approx(-0.5 / math.sqrt(0.5))


@given(PERIODS)
def test_at_breakeven_nothing_is_left(periods: list[tuple[int, int]]) -> None:
    gross, turnover = (
        np.array(values) / scale for values, scale in zip(zip(*periods, strict=True), (1e4, 1e3), strict=True)
    )
    breakeven = breakeven_cost_bps(gross, turnover)
    if turnover.sum() == 0:
        assert math.isnan(breakeven)
        return
    assert (gross - turnover * breakeven / 1e4).sum() == pytest.approx(0.0, abs=1e-12)
    assume(breakeven > 0)
    sharpe = cost_stress_sharpe(gross, turnover, [breakeven])[0]
    assert math.isnan(sharpe) or abs(sharpe) < 1e-9


def test_breakeven_is_return_over_turnover() -> None:
    assert breakeven_cost_bps(GROSS, TURNOVER) == pytest.approx(60 / 1.7, rel=1e-14)
    assert breakeven_cost_bps([-0.001], [1.0]) == pytest.approx(-10.0)


def test_not_trading_does_not_withstand_costs() -> None:
    assert math.isnan(breakeven_cost_bps([0.01, 0.02], [0.0, 0.0]))


@pytest.mark.parametrize(
    ("gross", "turnover", "complaint"),
    [
        ([], [], "one length"),
        ([0.1], [0.1, 0.2], "one length"),
        ([0.1], [-0.1], "turnover must not be negative"),
        ([math.nan], [0.1], "gross is NaN"),
        ([0.1], [math.nan], "turnover is NaN"),
        ([0.1], [math.inf], "infinite"),
        ([[0.1]], [0.1], "one dimension"),
    ],
)
def test_wrong_series_are_refused(gross: Any, turnover: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        breakeven_cost_bps(gross, turnover)
    with pytest.raises(ValueError, match=complaint):
        cost_stress_sharpe(gross, turnover, [1.0])


@pytest.mark.parametrize(("costs", "complaint"), [([-1.0], "negative"), ([math.nan], "NaN"), ([math.inf], "infinite")])
def test_wrong_costs_are_refused(costs: list[float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        cost_stress_sharpe(GROSS, TURNOVER, costs)
