"""The probabilistic Sharpe ratio: its two variances, its tails, and what it makes of bad input."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from distill_platform.stats.psr import psr, psr_from_moments, psr_null_variance, sharpe_moments, sharpe_variance

RETURNS = [0.012, -0.008, 0.005, 0.021, -0.015, 0.003, 0.009, -0.002, 0.017, -0.011, 0.004, 0.006]
FUND = {"n_obs": 24, "skew": -2.448, "kurt": 10.164}  # the hedge fund index of the 2012 paper

ratios = st.floats(0.01, 0.5)
skews = st.floats(-2, 2)
excesses = st.floats(0.5, 10)


def normal_cdf(z: mpmath.mpf) -> mpmath.mpf:
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def exact_psr(returns: list[float], benchmark: float) -> float:
    """The formula of the paper in 40 digits."""
    with mpmath.workdps(40):
        series = [mpmath.mpf(value) for value in returns]
        n = len(series)
        mean = mpmath.fsum(series) / n
        second, third, fourth = (mpmath.fsum((value - mean) ** power for value in series) / n for power in (2, 3, 4))
        sr = mean / mpmath.sqrt(second * n / (n - 1))
        variance = 1 - third / second ** mpmath.mpf(1.5) * sr + (fourth / second**2 - 1) / 4 * sr**2
        return float(normal_cdf((sr - benchmark) * mpmath.sqrt(n - 1) / mpmath.sqrt(variance)))


@pytest.mark.parametrize("benchmark", [-0.2, 0.0, 0.1, 3.0])
@pytest.mark.parametrize("returns", [RETURNS, RETURNS[:3], [0.5, -0.1], [-0.01, -0.02, -1.0], [1.0, 0.0, 0.0, 0.0]])
def test_psr_is_the_formula_of_the_paper(returns: list[float], benchmark: float) -> None:
    assert psr(returns, benchmark) == pytest.approx(exact_psr(returns, benchmark), rel=1e-11)


def test_the_two_variances_give_the_two_printed_numbers() -> None:
    sr = 0.36 / 0.79  # monthly mean and deviation as the papers print them
    assert round(psr_from_moments(sr, 0, **FUND), 4) == 0.9127
    assert round(psr_null_variance(sr, 0, **FUND), 4) == 0.9872


@pytest.mark.parametrize("errors", [8.5, 18.0, 37.0])
def test_far_below_the_benchmark_psr_is_small_but_not_zero(errors: float) -> None:
    with mpmath.workdps(40):
        truth = float(normal_cdf(mpmath.mpf(-errors)))
    assert psr_from_moments(0.0, errors / 10, 101, 0.0, 3.0) == pytest.approx(truth, rel=1e-12)
    assert 0 < truth < 1e-16


@pytest.mark.parametrize("moments", [(5, 3), (0, 0.9), (-1, 1.9), (math.nan, 3), (0, math.nan), (math.inf, 3)])
def test_moments_that_no_distribution_has_give_nan(moments: tuple[float, float]) -> None:
    assert math.isnan(psr_from_moments(0.5, 0, 100, *moments))
    assert math.isnan(psr_null_variance(0.5, 0, 100, *moments))


def test_a_variance_that_vanishes_gives_nan() -> None:
    assert math.isnan(sharpe_variance(1.0, 2.0, 5.0))
    assert math.isnan(psr_from_moments(1.0, 0, 100, 2.0, 5.0))


@pytest.mark.parametrize("n_obs", [0, 1])
def test_a_ratio_of_fewer_than_two_observations_says_nothing(n_obs: int) -> None:
    assert math.isnan(psr_from_moments(0.5, 0, n_obs, 0, 3))
    assert math.isnan(psr_null_variance(0.5, 0, n_obs, 0, 3))


def test_a_negative_number_of_observations_is_an_error() -> None:
    with pytest.raises(ValueError, match="n_obs"):
        psr_from_moments(0.5, 0, -1, 0, 3)


@pytest.mark.parametrize("returns", [[0.01], [0.01] * 7, [0.0] * 3, [-1.0, -1.0]])
def test_a_series_without_dispersion_gives_nan(returns: list[float]) -> None:
    assert math.isnan(psr(returns))


def test_sample_moments_need_four_observations() -> None:
    assert math.isnan(psr([0.01, -0.02, 0.03], moments="sample"))
    assert 0 < psr([0.01, -0.02, 0.03, 0.01], moments="sample") < 1


def test_two_values_only_are_possible_moments() -> None:
    returns = [0.01] * 37 + [-0.013] * 11  # kurt = skew^2 + 1 here, and rounding puts it on either side
    assert psr(returns) == pytest.approx(exact_psr(returns, 0.0), rel=1e-9)


@pytest.mark.parametrize(
    ("returns", "says"), [([], "no observations"), ([0.1, math.nan], "NaN at 1"), ([0.1, math.inf], "infinite")]
)
def test_bad_returns_are_refused(returns: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        psr(returns)


def test_omitted_nans_shorten_the_record() -> None:
    holes = [math.nan, *RETURNS[:5], math.nan, *RETURNS[5:]]
    assert psr(holes, nan_policy="omit") == psr(RETURNS)
    assert sharpe_moments(holes, nan_policy="omit").n_obs == len(RETURNS)


@pytest.mark.parametrize("option", [{"moments": "robust"}, {"nan_policy": "ignore"}])
def test_unknown_options_are_errors(option: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        psr(RETURNS, **option)


@given(ratios, skews, excesses, st.integers(2, 1000), st.integers(1, 1000))
def test_psr_of_a_positive_ratio_rises_with_the_length(
    sr: float, skew: float, excess: float, n_obs: int, more: int
) -> None:
    kurt = skew * skew + 1 + excess
    for probability in (psr_from_moments, psr_null_variance):
        short, long = (probability(sr, 0.0, n, skew, kurt) for n in (n_obs, n_obs + more))
        assert short < long or short > 1 - 1e-14


@given(ratios, skews, excesses, st.floats(-0.5, 0.5), st.floats(1e-6, 1))
def test_psr_falls_with_the_benchmark(sr: float, skew: float, excess: float, benchmark: float, higher: float) -> None:
    kurt = skew * skew + 1 + excess
    low, high = (psr_from_moments(sr, hurdle, 50, skew, kurt) for hurdle in (benchmark, benchmark + higher))
    assert high < low or low > 1 - 1e-14 or high == 0.0


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=30), st.floats(1e-6, 1e6))
def test_scaling_leaves_psr_unchanged(returns: list[int], scale: float) -> None:
    assume(len(set(returns)) > 1)
    found, scaled = psr(np.array(returns)), psr(np.array(returns) * scale)
    assert scaled == pytest.approx(found, rel=1e-6, nan_ok=True)
