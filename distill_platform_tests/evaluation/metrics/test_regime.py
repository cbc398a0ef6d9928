"""Regimes, benchmarks and robustness: whether a result hangs on one kind of market, on the market, or on luck."""

import math

import numpy as np
import pytest

from distill_platform import stats
from distill_platform.evaluation.metrics.regime import volatility_terciles
from distill_platform_tests.evaluation.metrics.made import made, measure, sound

DICE = np.random.default_rng(21)
MARKET = DICE.normal(0.0, 1.0, 900) * np.repeat([0.002, 0.01, 0.03], 300)


def test_a_day_is_told_apart_by_the_days_before_it_alone() -> None:
    labels = volatility_terciles(MARKET, 63)
    for day in (63, 200, 450, 899):
        changed = MARKET.copy()
        changed[day:] = 0.5
        seen = np.std(MARKET[day - 63 : day], ddof=1)
        assert seen == np.std(changed[day - 63 : day], ddof=1)
    assert (labels[:63] == -1).all()
    assert (labels[100:299] == 0).all()
    assert (labels[400:599] == 1).all()
    assert (labels[700:] == 2).all()


def test_an_edge_in_one_regime_only_is_fragile() -> None:
    net = DICE.normal(0.0, 0.01, 900)
    net -= net.mean()
    net[64:300] += 0.01
    net[300:] -= 0.0005
    found = measure(made(net, benchmark=MARKET))
    assert found.metrics["regime.fragile"] is True
    assert found.number("regime.best_sharpe") == found.number("regime.sharpe_low_vol")


def test_an_edge_everywhere_is_not_fragile() -> None:
    found = measure(made(DICE.normal(0.002, 0.01, 900), benchmark=MARKET))
    assert found.metrics["regime.fragile"] is False
    assert found.number("regime.n_regimes") == 3
    assert [row.name for row in found.regimes] == ["low_vol", "mid_vol", "high_vol"]


def test_harm_in_one_regime_is_fragile() -> None:
    net = DICE.normal(0.004, 0.01, 900)
    net[600:] -= 0.006
    assert measure(made(net, benchmark=MARKET)).metrics["regime.fragile"] is True


def test_too_few_days_tell_nothing_about_regimes() -> None:
    found = measure(made(DICE.normal(0.001, 0.01, 80)))
    assert found.metrics["regime.fragile"] is None
    assert found.number("regime.n_regimes") == 0
    assert math.isnan(found.number("regime.worst_sharpe"))


def test_the_market_with_leverage_adds_nothing_to_the_market() -> None:
    market = DICE.normal(0.001, 0.01, 400)
    found = measure(made(2.0 * market, benchmark=market))
    assert found.number("benchmark.vs_benchmark_sharpe") == pytest.approx(0.0, abs=1e-9)
    assert found.number("benchmark.correlation") == pytest.approx(1.0)
    assert found.number("benchmark.beta") == pytest.approx(2.0)


def test_a_benchmark_that_is_none_is_unknown() -> None:
    net = DICE.normal(0.001, 0.01, 400)
    for benchmark in (np.full(400, np.nan), np.full(400, -2.0), np.zeros(400)):
        assert math.isnan(measure(made(net, benchmark=benchmark)).number("benchmark.beta"))


def test_robustness_is_that_of_the_statistics() -> None:
    net = DICE.normal(0.001, 0.01, 400)
    found = measure(made(net))
    shape = stats.moments(net)
    ratio = shape.mean / shape.sd
    assert found.number("robustness.probabilistic_sharpe_ratio") == pytest.approx(stats.psr(net))
    assert found.number("robustness.min_track_record_days") == pytest.approx(
        stats.min_trl(ratio, 0.0, shape.skew, shape.kurt)
    )
    assert found.number("robustness.bootstrap_p_positive") == pytest.approx(stats.psr(net), abs=0.05)
    halves = [stats.sharpe_annualized(half, 365) for half in (net[:200], net[200:])]
    assert found.number("robustness.sharpe_first_half") == pytest.approx(halves[0])
    assert found.number("robustness.sharpe_second_half") == pytest.approx(halves[1])
    assert found.number("robustness.sharpe_gap") == pytest.approx(abs(halves[0] - halves[1]))


def test_no_record_is_long_enough_for_who_loses() -> None:
    assert math.isnan(measure(sound(sharpe=-1.0)).number("robustness.min_track_record_days"))


def test_the_bootstrap_depends_on_the_returns_alone() -> None:
    one, other = sound(seed=3), sound(seed=3, run_id="another", campaign_id="other", cohort_id="other")
    name = "robustness.bootstrap_p_positive"
    measure(sound(seed=4))
    assert measure(one).number(name) == measure(other).number(name)
