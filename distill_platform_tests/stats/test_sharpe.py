"""Sharpe ratios: of a series, by the year, with their error, and rolling."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from distill_platform.stats.normal import cdf
from distill_platform.stats.psr import psr
from distill_platform.stats.sharpe import (
    rolling_sharpe,
    sharpe,
    sharpe_annualized,
    sharpe_confidence_interval,
    sharpe_standard_error,
    sharpe_standard_error_from_moments,
)

STEPS = st.lists(st.integers(-50, 50), min_size=2, max_size=60)
NOISE = np.random.default_rng(1).normal(0.001, 0.01, size=500)


@given(STEPS, st.sampled_from([0, 1]))
def test_it_is_the_mean_over_the_standard_deviation(steps: list[int], ddof: int) -> None:
    assume(len(set(steps)) > 1)
    returns = [step / 1000 for step in steps]
    deviation = (statistics.pstdev, statistics.stdev)[ddof](returns)
    assert sharpe(returns, ddof=ddof) == pytest.approx(statistics.fmean(returns) / deviation, rel=1e-12, abs=1e-15)


@given(STEPS, st.floats(1e-6, 1e6))
def test_scaling_leaves_it_unchanged(steps: list[int], factor: float) -> None:
    assume(len(set(steps)) > 1)
    returns = np.array(steps) / 1000
    assert sharpe(returns * factor) == pytest.approx(sharpe(returns), rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("exponent", [-1000, -500, 500, 1000])
def test_scaling_by_a_power_of_two_changes_no_bit(exponent: int) -> None:
    assert sharpe(np.ldexp(NOISE, exponent)) == sharpe(NOISE)


def test_going_short_turns_its_sign() -> None:
    assert sharpe(-NOISE) == -sharpe(NOISE)


@pytest.mark.parametrize("value", [0.001, -0.02, 0.0, 1e-310, 1e300])
@pytest.mark.parametrize("n_obs", [1, 2, 3, 10, 250])
def test_a_constant_series_has_none(value: float, n_obs: int) -> None:
    returns = np.full(n_obs, value)
    assert math.isnan(sharpe(returns))
    assert math.isnan(sharpe_annualized(returns, 365))
    assert math.isnan(sharpe_standard_error(returns))
    assert math.isnan(sharpe_confidence_interval(returns).lower)


def test_the_smallest_difference_makes_a_series_vary() -> None:
    assert sharpe([0.0, 5e-324]) == pytest.approx(math.sqrt(0.5))
    assert sharpe([0.1, math.nextafter(0.1, 1.0)]) == pytest.approx(0.1 / math.ulp(0.1) * math.sqrt(2.0))


def test_too_few_observations_for_ddof_have_none() -> None:
    assert math.isnan(sharpe([0.1, 0.2], ddof=2))
    assert sharpe([0.1, 0.3], ddof=1) == pytest.approx(math.sqrt(2.0))


def test_omitted_observations_shorten_the_series() -> None:
    gaps = NOISE.copy()
    gaps[::7] = math.nan
    assert sharpe(gaps, nan_policy="omit") == sharpe(gaps[~np.isnan(gaps)])
    assert sharpe_confidence_interval(gaps, nan_policy="omit").n_obs == np.count_nonzero(~np.isnan(gaps))


@pytest.mark.parametrize("function", [sharpe, sharpe_standard_error, sharpe_confidence_interval])
@pytest.mark.parametrize("returns", [[], [0.1, math.nan], [0.1, math.inf], [[0.1], [0.2]], ["a"]])
def test_what_is_no_series_is_refused(function: type[float], returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        function(returns)


@pytest.mark.parametrize("periods", [0.0, -1.0, math.inf, math.nan])
def test_a_year_has_a_positive_number_of_periods(periods: float) -> None:
    with pytest.raises(ValueError, match="periods_per_year"):
        sharpe_annualized(NOISE, periods)
    with pytest.raises(ValueError, match="periods_per_year"):
        sharpe_confidence_interval(NOISE).annualized(periods)


def test_the_standard_error_of_normal_returns_is_that_of_lo() -> None:
    assert sharpe_standard_error_from_moments(0.5, 101) == pytest.approx(math.sqrt((1 + 0.5**2 / 2) / 100))


def test_skewness_and_kurtosis_enter_as_in_mertens() -> None:
    found = sharpe_standard_error_from_moments(0.458, 134, skew=-1.6, kurt=10.0)
    assert found == pytest.approx(math.sqrt((1 + 1.6 * 0.458 + 9.0 / 4.0 * 0.458**2) / 133))


def test_the_probabilistic_sharpe_ratio_is_the_probability_of_the_t_value() -> None:
    skewed = np.random.default_rng(2).gamma(2.0, 0.01, size=300) - 0.018
    z = (sharpe(skewed) - 0.05) / sharpe_standard_error(skewed)
    assert psr(skewed, 0.05) == pytest.approx(cdf(z), rel=1e-10)


def test_moments_no_distribution_has_give_no_standard_error() -> None:
    assert math.isnan(sharpe_standard_error_from_moments(0.5, 100, skew=2.0, kurt=3.0))
    assert math.isnan(sharpe_standard_error_from_moments(0.5, 1))
    assert math.isnan(sharpe_standard_error_from_moments(math.nan, 100))
    with pytest.raises(ValueError, match="n_obs"):
        sharpe_standard_error_from_moments(0.5, -1)


def test_an_interval_lies_around_its_ratio() -> None:
    found = sharpe_confidence_interval(NOISE, confidence=0.9)
    assert found.sharpe == pytest.approx(sharpe(NOISE), rel=1e-14)
    assert found.upper - found.sharpe == pytest.approx(1.6448536269514722 * found.standard_error)
    assert found.sharpe - found.lower == pytest.approx(1.6448536269514722 * found.standard_error)


def test_two_weeks_of_days_say_next_to_nothing_about_a_year() -> None:
    year = sharpe_confidence_interval(NOISE[:14]).annualized(365)
    assert year.sharpe == pytest.approx(sharpe_annualized(NOISE[:14], 365))
    assert year.standard_error > 5.0
    assert year.lower < -5.0
    assert year.upper > 5.0


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_confidence_lies_between_0_and_1(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        sharpe_confidence_interval(NOISE, confidence)


@pytest.mark.slow
def test_an_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    draws = np.random.default_rng(3).standard_t(8, size=(4000, 400)) * math.sqrt(6 / 8) + 0.1
    bounds = [sharpe_confidence_interval(row) for row in draws]
    assert np.mean([found.lower <= 0.1 <= found.upper for found in bounds]) == pytest.approx(0.95, abs=0.012)


def direct(returns: np.ndarray, window: int, ddof: int = 1) -> np.ndarray:
    """The Sharpe ratio of each window by itself."""
    alone = [sharpe(returns[end - window : end], ddof=ddof) for end in range(window, len(returns) + 1)]
    return np.array([math.nan] * min(window - 1, len(returns)) + alone)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=60), st.integers(1, 20), st.sampled_from([0, 1, 2]))
def test_rolling_is_the_ratio_of_each_window(steps: list[int], window: int, ddof: int) -> None:
    returns = np.array(steps) / 100
    found, expected = rolling_sharpe(returns, window, ddof), direct(returns, window, ddof)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("window", [2, 3, 7, 100, 499, 500])
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e8])
def test_a_large_mean_costs_rolling_no_digit(window: int, offset: float) -> None:
    returns = NOISE + offset
    np.testing.assert_allclose(rolling_sharpe(returns, window), direct(returns, window), rtol=1e-10)


def test_what_has_left_the_window_leaves_no_trace() -> None:
    returns = np.concatenate([NOISE[:50], [1e12], NOISE[50:100], np.full(20, 0.003), NOISE[100:150]])
    found = rolling_sharpe(returns, 10)
    np.testing.assert_allclose(found, direct(returns, 10), rtol=1e-10)
    assert np.isnan(found[110:121]).all()
    assert np.isfinite(found[121:]).all()


@pytest.mark.parametrize("exponent", [-1000, 1000])
def test_rolling_does_not_depend_on_the_unit_of_returns(exponent: int) -> None:
    np.testing.assert_array_equal(rolling_sharpe(np.ldexp(NOISE, exponent), 20), rolling_sharpe(NOISE, 20))


def test_a_window_longer_than_the_series_is_never_full() -> None:
    assert np.isnan(rolling_sharpe(NOISE[:5], 6)).all()
    assert len(rolling_sharpe(NOISE[:5], 6)) == 5


def test_a_window_of_one_period_has_no_ratio() -> None:
    assert np.isnan(rolling_sharpe(NOISE, 1)).all()


@pytest.mark.parametrize("window", [0, -3])
def test_a_window_holds_at_least_one_period(window: int) -> None:
    with pytest.raises(ValueError, match="window"):
        rolling_sharpe(NOISE, window)


@pytest.mark.parametrize("returns", [[], [0.1, math.nan], [0.1, math.inf]])
def test_rolling_refuses_what_is_no_series(returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        rolling_sharpe(returns, 2)
