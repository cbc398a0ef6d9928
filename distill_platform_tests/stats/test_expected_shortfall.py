import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from distill_platform.stats.cornish_fisher import cornish_fisher_quantile, cornish_fisher_valid
from distill_platform.stats.expected_shortfall import es_cornish_fisher, es_gaussian, es_historical
from distill_platform.stats.value_at_risk import var_cornish_fisher, var_gaussian, var_historical

RETURNS = st.lists(st.integers(-1000, 1000).map(lambda milli: milli / 1000), min_size=1, max_size=60)
PERCENT = st.integers(1, 99)
ALPHAS = st.floats(1e-6, 0.999)


def exact_shortfall(returns: list[float], percent: int) -> Fraction:
    """The mean of the worst k losses, in fractions; the last one counts as far as it belongs to the tail."""
    left = size = Fraction(100 - percent, 100) * len(returns)
    total = Fraction(0)
    for value in sorted(returns):
        share = min(left, Fraction(1))
        total, left = total - share * Fraction(value), left - share
    return total / size


@given(RETURNS, PERCENT)
def test_it_is_the_mean_of_the_worst_losses_with_the_fraction_at_the_edge(returns: list[float], percent: int) -> None:
    expected = float(exact_shortfall(returns, percent))
    assert es_historical(returns, percent / 100) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60), PERCENT)
def test_it_is_never_below_the_value_at_risk_not_even_by_rounding(returns: list[float], percent: int) -> None:
    confidence = percent / 100
    assert es_historical(returns, confidence) >= var_historical(returns, confidence)
    assert es_historical(returns, confidence) <= -min(returns)


@given(RETURNS, st.floats(0.05, 0.95), st.floats(0.0, 0.04))
def test_it_grows_with_the_confidence(returns: list[float], confidence: float, more: float) -> None:
    assert es_historical(returns, confidence + more) >= es_historical(returns, confidence) - 1e-12


def test_half_an_observation_counts_half() -> None:
    returns = [-0.09, -0.05, -0.02, *(milli / 1000 for milli in range(27))]
    assert es_historical(returns, 0.95) == pytest.approx((0.09 + 0.5 * 0.05) / 1.5, rel=1e-15)


def test_a_tail_of_less_than_one_observation_is_the_largest_loss() -> None:
    assert es_historical([0.01, -0.07, 0.02], 0.99) == 0.07
    assert es_historical([-1.0], 0.5) == 1.0
    assert es_historical([0.01, -0.07], 1 - 1e-15) == 0.07


def test_constant_series_lose_what_they_lose() -> None:
    assert es_historical([-0.1] * 7, 0.6) == 0.1
    assert es_historical([0.1] * 7, 0.6) == -0.1
    assert math.copysign(1.0, es_historical([0.0, 0.0], 0.5)) == 1.0


def test_missing_returns_are_refused_or_left_out() -> None:
    with pytest.raises(ValueError, match="NaN at 0"):
        es_historical([math.nan, 0.1])
    assert es_historical([math.nan, -0.1, 0.2], 0.5, nan_policy="omit") == 0.1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(([],), "empty"), (([-math.inf],), "infinite"), (([0.1], 0.0), "confidence"), (([0.1], 1.0), "confidence")],
)
def test_wrong_samples_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        es_historical(*arguments)


def test_a_large_normal_sample_agrees_with_the_formula() -> None:
    returns = 0.001 + 0.02 * np.random.default_rng(3).standard_normal(1_000_000)
    assert es_historical(returns, 0.95) == pytest.approx(es_gaussian(0.001, 0.02, 0.05), rel=3e-3)


@given(ALPHAS)
def test_normal_shortfall_lies_beyond_the_normal_quantile(alpha: float) -> None:
    assert es_gaussian(0.001, 0.02, alpha) >= var_gaussian(0.001, 0.02, alpha)
    assert es_gaussian(0.001, 0.0, alpha) == -0.001


@given(st.floats(-2.4, 2.4), st.floats(0.0, 8.0), ALPHAS)
def test_inside_the_domain_shortfall_lies_beyond_the_quantile(skew: float, kurt: float, alpha: float) -> None:
    assume(cornish_fisher_valid(skew, kurt))
    shortfall = es_cornish_fisher(0.0, 1.0, skew, kurt, alpha)
    assert shortfall >= var_cornish_fisher(0.0, 1.0, skew, kurt, alpha) - 1e-9 * abs(shortfall)


@pytest.mark.parametrize(
    ("skew", "kurt", "alpha"), [(-0.5, 1.5, 0.05), (0.4, 0.9, 0.01), (0.0, 6.0, 1e-6), (-1.2, 4.0, 0.3), (0.0, 0, 0.05)]
)
def test_the_closed_form_is_the_integral_of_the_quantiles(skew: float, kurt: float, alpha: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(30):
        z = mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(alpha) - 1)
        integrand = lambda x: cornish_fisher_quantile(x, skew, kurt) * mpmath.npdf(x)  # noqa: E731
        integral = mpmath.quad(integrand, [-mpmath.inf, -20, -10, -7, z])
        expected = -(0.001 + 0.02 * integral / alpha)
    assert es_cornish_fisher(0.001, 0.02, skew, kurt, alpha) == pytest.approx(float(expected), rel=1e-12)


def test_tails_of_any_depth_are_finite() -> None:
    mpmath = pytest.importorskip("mpmath")
    for alpha in (1e-16, 1e-74, 1e-300):
        with mpmath.workdps(40):
            z = mpmath.mpf(-var_gaussian(0.0, 1.0, alpha))
            expected = float(mpmath.npdf(z) / mpmath.ncdf(z))
        assert es_gaussian(0.0, 1.0, alpha) == pytest.approx(expected, rel=1e-10)


def test_moments_outside_the_domain_or_missing_give_no_number() -> None:
    assert math.isnan(es_cornish_fisher(0.0, 1.0, -3.0, 2.0, 0.05))
    assert math.isnan(es_cornish_fisher(0.0, 1.0, 0.0, math.nan, 0.05))
    assert math.isnan(es_gaussian(math.nan, 1.0, 0.05))


@pytest.mark.parametrize(
    ("moments", "complaint"),
    [
        ((0.0, -1.0, 0.0, 0.0, 0.05), "sd"),
        ((0.0, 1.0, math.inf, 0.0, 0.05), "skew"),
        ((0.0, 1.0, 0.0, 0.0, 0.0), "alpha"),
        ((0.0, 1.0, 0.0, 0.0, 1.0), "alpha"),
    ],
)
def test_wrong_moments_are_refused(moments: tuple[float, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        es_cornish_fisher(*moments)
