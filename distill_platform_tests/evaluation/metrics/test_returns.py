"""What a run made, against arithmetic by hand and against the statistics themselves."""

import math
from datetime import timedelta

import numpy as np
import pytest

from distill_platform import stats
from distill_platform_tests.evaluation.metrics.made import DAY, HOUR, START, made, measure, sound, values

SHORT = [0.1, -0.5, 0.0, 0.2, -0.1, 0.3]


def test_a_short_run_by_hand() -> None:
    found = measure(made(SHORT))
    growth = 1.1 * 0.5 * 1.0 * 1.2 * 0.9 * 1.3
    assert found.number("returns.total_return") == pytest.approx(growth - 1.0)
    assert found.number("returns.annual_return") == pytest.approx(growth ** (365 / 6) - 1.0)
    assert found.number("returns.max_drawdown") == pytest.approx(0.5)
    assert found.number("returns.time_under_water_ratio") == pytest.approx(5 / 6)
    assert found.number("returns.gain_to_pain_ratio") == pytest.approx(0.0, abs=1e-12)
    assert found.number("returns.var_95") == found.number("returns.es_99") == 0.5
    deviation = np.std(SHORT, ddof=1)
    assert found.number("returns.sharpe_daily") == pytest.approx(np.mean(SHORT) / deviation * math.sqrt(365))
    assert found.number("returns.annual_volatility") == pytest.approx(deviation * math.sqrt(365))


def test_a_loss_of_the_first_step_is_a_drawdown() -> None:
    assert measure(made([-0.5, 0.0, 0.1])).number("returns.max_drawdown") == 0.5


def test_the_sharpe_ratio_is_that_of_the_statistics_for_bars_of_any_length() -> None:
    for per_day in (1, 3, 24):
        bundle = sound(days=300, steps_per_day=per_day)
        moments = bundle.steps.column("ts_end").cast("int64").to_numpy() * 1000
        expected = stats.sharpe_daily_annualized(moments, values(bundle.steps, "ret_net"))
        found = measure(bundle)
        assert found.number("returns.sharpe_daily") == pytest.approx(expected, rel=1e-12)
        assert found.metrics["returns.sharpe_method"] == stats.DAILY_METHOD


def test_a_bar_that_ends_at_midnight_belongs_to_the_day_before() -> None:
    found = measure(made([0.01, -0.02, 0.03], HOUR, start=START + 21 * HOUR))
    assert len(found.daily) == 1
    assert found.daily.days[0] == np.datetime64("2023-01-01")
    assert found.daily.net[0] == pytest.approx(1.01 * 0.98 * 1.03 - 1.0)


def test_a_drawdown_within_a_day_counts() -> None:
    net = np.tile([-0.2, 0.25, 0.01, -0.005, -0.2, 0.25, 0.0, 0.0], 25)
    found = measure(made(net, timedelta(hours=6)))
    assert found.number("returns.max_drawdown") > 0.19
    assert stats.drawdown(found.daily.net).max_drawdown > -0.01


def test_weekends_are_days_without_returns() -> None:
    ends = [START + (7 * (place // 5) + place % 5 + 1) * DAY for place in range(60)]
    net = np.random.default_rng(3).normal(0.001, 0.01, 60)
    found = measure(made(net, ends=ends))
    calendar = np.zeros(7 * 11 + 5)
    calendar[[7 * (place // 5) + place % 5 for place in range(60)]] = net
    assert found.number("returns.sharpe_daily") == pytest.approx(stats.sharpe_annualized(calendar, 365))
    assert found.number("sample.observation_days") == 60
    assert found.number("returns.skewness") == pytest.approx(stats.moments(net).skew)


@pytest.mark.parametrize("shift", [0.0, 1e-17])
def test_constant_returns_have_no_sharpe_ratio(shift: float) -> None:
    net = np.full(300, 0.01)
    net[::2] += shift
    found = measure(made(net))
    assert math.isnan(found.number("returns.sharpe_daily"))
    assert math.isnan(found.number("returns.sharpe_step_raw"))
    assert math.isnan(found.number("robustness.bootstrap_p_positive"))


def test_returns_that_differ_by_rounding_alone_have_no_sharpe_ratio() -> None:
    gross = np.full(300, 0.3)
    net = gross - np.where(np.arange(300) % 2, 0.1 + 0.2, 0.3) + 0.01
    assert net.max() > net.min()
    assert math.isnan(measure(made(net)).number("returns.sharpe_daily"))


def test_a_short_record_has_a_large_standard_error() -> None:
    net = np.random.default_rng(1).normal(0.003, 0.01, 14)
    assert 4.0 < measure(made(net)).number("returns.sharpe_standard_error") < 8.0


def test_what_grows_beyond_numbers_is_unknown() -> None:
    found = measure(made(np.tile([99.0, 49.0], 200)))
    assert math.isnan(found.number("returns.total_return"))
    assert math.isnan(found.number("returns.annual_return"))
    assert math.isfinite(found.number("returns.sharpe_daily"))
