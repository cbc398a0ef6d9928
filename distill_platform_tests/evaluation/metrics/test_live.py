"""Live runs against their backtest, and against themselves."""

import math
from dataclasses import replace

import numpy as np
import pytest

from distill_platform import stats
from distill_platform.evaluation.metrics import live_metrics
from distill_platform_tests.evaluation.metrics.made import made, measure, sound

NAMES = {
    "live.days", "live.sharpe", "live.max_drawdown", "live.decay_ratio", "live.backtest_sharpe_ratio",
    "live.backtest_drawdown_ratio", "live.backtest_var_ratio", "live.backtest_es_ratio",
}  # fmt: skip


def test_the_last_days_are_held_against_those_before() -> None:
    own = measure(sound(days=400))
    found = live_metrics(own, None, 90)
    recent = stats.sharpe_annualized(own.daily.net[-90:], 365)
    assert set(found) == NAMES
    assert found["live.days"] == 90
    assert found["live.sharpe"] == pytest.approx(recent)
    assert found["live.max_drawdown"] == pytest.approx(-stats.drawdown(own.daily.net[-90:]).max_drawdown)
    assert found["live.decay_ratio"] == pytest.approx(recent / stats.sharpe_annualized(own.daily.net[:-90], 365))


def test_twice_the_risk_of_the_backtest_is_seen() -> None:
    net = np.random.default_rng(7).normal(0.002, 0.005, 300)
    found = live_metrics(measure(made(2.0 * net, cost=1e-5)), measure(made(net, cost=1e-5)), 90)
    assert found["live.backtest_sharpe_ratio"] == pytest.approx(1.0)
    assert found["live.backtest_var_ratio"] == pytest.approx(2.0)
    assert found["live.backtest_es_ratio"] == pytest.approx(2.0)
    assert found["live.backtest_drawdown_ratio"] == pytest.approx(2.0, rel=0.1)


def test_without_a_usable_backtest_there_are_no_ratios() -> None:
    own = measure(sound())
    idle = measure(made(np.zeros(300), exposure=0.0, turnover=0.0))
    broken = measure(replace(sound(), steps=sound(sharpe=2.0).steps))
    losing = measure(sound(sharpe=-1.0))
    for backtest in (None, idle, broken):
        found = live_metrics(own, backtest, 90)
        assert all(math.isnan(found[name]) for name in NAMES if name.startswith("live.backtest"))
    assert math.isnan(live_metrics(own, losing, 90)["live.backtest_sharpe_ratio"])


def test_an_idle_live_run_shows_nothing() -> None:
    found = live_metrics(measure(made(np.zeros(300), exposure=0.0, turnover=0.0)), measure(sound()), 90)
    assert all(math.isnan(value) for name, value in found.items() if name != "live.days")
