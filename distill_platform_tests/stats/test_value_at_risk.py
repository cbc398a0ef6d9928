import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.tail import tail_size
from distill_platform.stats.value_at_risk import QuantileMethod, var_cornish_fisher, var_gaussian, var_historical

RETURNS = st.lists(st.integers(-1000, 1000).map(lambda milli: milli / 1000), min_size=1, max_size=60)
PERCENT = st.integers(1, 99)


@given(RETURNS, PERCENT)
def test_it_is_the_smallest_loss_that_is_exceeded_rarely_enough(returns: list[float], percent: int) -> None:
    losses = sorted(-value for value in returns)
    expected = next(
        loss
        for loss in losses
        if Fraction(sum(other <= loss for other in losses), len(losses)) >= Fraction(percent, 100)
    )
    assert var_historical(returns, percent / 100) == expected
    assert var_historical(returns, 1 - (100 - percent) / 100) == expected


@given(RETURNS, PERCENT)
def test_interpolation_is_that_of_numpy(returns: list[float], percent: int) -> None:
    between = var_historical(returns, percent / 100, "linear")
    assert between == pytest.approx(-np.quantile(returns, 1 - percent / 100), abs=1e-12)


def test_the_sixth_of_a_hundred_losses_is_the_quantile_at_95_percent() -> None:
    returns = np.arange(-50, 50) / 1000
    assert var_historical(returns, 0.95) == 0.045
    assert var_historical(returns[::-1], 0.95, QuantileMethod.LOWER_QUANTILE) == 0.045


def test_levels_are_decimal_fractions_not_their_floats() -> None:
    assert tail_size(100, 0.95) == 5
    assert tail_size(10, 0.9) == 1
    assert tail_size(30, 0.95) == Fraction(3, 2)
    assert tail_size(250, 1 - 0.01) == Fraction(5, 2)
    assert 0 < tail_size(7, 1 - 1e-15) < 1e-13
    assert 6 < tail_size(7, 1e-15) < 7


def test_a_wipe_out_is_a_loss_of_everything() -> None:
    assert var_historical([-1.0], 0.95) == 1.0
    assert var_historical([0.1, -1.0, 0.2], 0.99) == 1.0


def test_a_tail_that_gains_has_a_negative_risk_and_none_is_not_minus_zero() -> None:
    assert var_historical([0.02, 0.01], 0.95) == -0.01
    assert math.copysign(1.0, var_historical([0.0, 0.0], 0.95)) == 1.0


def test_ties_and_constant_series_are_losses_like_others() -> None:
    assert var_historical([-0.01] * 250, 0.99) == 0.01
    assert var_historical([-0.02, -0.02, 0.0, 0.0], 0.75) == 0.02


def test_missing_returns_are_refused_or_left_out() -> None:
    returns = [-0.03, math.nan, 0.01]
    with pytest.raises(ValueError, match="NaN at 1"):
        var_historical(returns)
    assert var_historical(returns, 0.5, nan_policy="omit") == var_historical([-0.03, 0.01], 0.5)
    with pytest.raises(ValueError, match="empty"):
        var_historical([math.nan], nan_policy="omit")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([],), "empty"),
        (([0.1, math.inf],), "infinite"),
        (([[0.1]],), "one dimension"),
        (([0.1], 0.0), "confidence"),
        (([0.1], 1.0), "confidence"),
        (([0.1], 95), "confidence"),
        (([0.1], math.nan), "confidence"),
        (([0.1], 0.95, "higher"), "higher"),
    ],
)
def test_wrong_samples_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        var_historical(*arguments)


def test_normal_returns_lose_1_645_deviations_in_one_of_twenty() -> None:
    assert var_gaussian(0.0, 1.0, 0.05) == pytest.approx(1.6448536269514722, rel=1e-14)
    assert var_gaussian(0.01, 0.0, 0.05) == -0.01


def test_tails_of_any_depth_are_finite() -> None:
    mpmath = pytest.importorskip("mpmath")
    for alpha in (1e-3, 1e-16, 1e-74, 1e-300):
        with mpmath.workdps(40):
            z = mpmath.findroot(lambda x, p=alpha: mpmath.log(mpmath.ncdf(x) / p), -math.sqrt(-2 * math.log(alpha)))
        assert var_gaussian(0.0, 1.0, alpha) == pytest.approx(-float(z), rel=1e-13)


def test_four_moments_of_a_normal_distribution_change_nothing() -> None:
    assert var_cornish_fisher(0.001, 0.02, 0.0, 0.0, 0.01) == var_gaussian(0.001, 0.02, 0.01)


def test_negative_skew_and_fat_tails_cost() -> None:
    assert var_cornish_fisher(0.0, 1.0, -0.5, 0.8, 0.01) > var_gaussian(0.0, 1.0, 0.01)
    assert var_cornish_fisher(0.0, 1.0, 0.0, 1.0, 0.01) > var_gaussian(0.0, 1.0, 0.01)


def test_moments_outside_the_domain_or_missing_give_no_number() -> None:
    assert math.isnan(var_cornish_fisher(0.0, 1.0, -3.0, 2.0, 0.05))
    assert math.isnan(var_cornish_fisher(0.0, 1.0, math.nan, 2.0, 0.05))
    assert math.isnan(var_cornish_fisher(math.nan, 1.0, 0.0, 0.0, 0.05))
    assert math.isnan(var_gaussian(0.0, math.nan, 0.05))


@pytest.mark.parametrize(
    ("moments", "complaint"),
    [
        ((0.0, -1.0, 0.0, 0.0, 0.05), "sd"),
        ((math.inf, 1.0, 0.0, 0.0, 0.05), "mean"),
        ((0.0, math.inf, 0.0, 0.0, 0.05), "sd"),
        ((0.0, 1.0, -math.inf, 0.0, 0.05), "skew"),
        ((0.0, 1.0, 0.0, math.inf, 0.05), "excess_kurt"),
        ((0.0, 1.0, 0.0, 0.0, 0.0), "alpha"),
        ((0.0, 1.0, 0.0, 0.0, 1.0), "alpha"),
        ((0.0, 1.0, 0.0, 0.0, math.nan), "alpha"),
    ],
)
def test_wrong_moments_are_refused(moments: tuple[float, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        var_cornish_fisher(*moments)
