"""Moments against rational arithmetic, for series that leave naive formulas without a digit."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from distill_platform.stats.moments import moments

STEPS = st.lists(st.integers(-500, 500), min_size=2, max_size=60)


def exact_moments(returns: list[float], ddof: int = 1) -> tuple[float, float, float, float]:
    """Mean, standard deviation, skewness and kurtosis of exactly these floats."""
    exact = [Fraction(simple) for simple in returns]
    mean = sum(exact, Fraction()) / len(exact)
    second, third, fourth = (sum(((x - mean) ** power for x in exact), Fraction()) for power in (2, 3, 4))
    with mp.workdps(50):
        variance = mp.mpf(second.numerator) / second.denominator / len(exact)
        skew = mp.mpf(third.numerator) / third.denominator / len(exact) / variance ** mp.mpf(1.5)
        kurt = fourth * len(exact) / second**2
        return float(mean), float(mp.sqrt(variance * len(exact) / (len(exact) - ddof))), float(skew), float(kurt)


@given(STEPS)
def test_moments_are_those_of_rational_arithmetic(steps: list[int]) -> None:
    assume(len(set(steps)) > 1)
    returns = [step / 1000 for step in steps]
    found, (mean, sd, skew, kurt) = moments(returns), exact_moments(returns)
    assert found.mean == pytest.approx(mean, rel=1e-13, abs=1e-16)
    assert found.sd == pytest.approx(sd, rel=1e-13)
    assert found.skew == pytest.approx(skew, rel=1e-12, abs=1e-12)
    assert found.kurt == pytest.approx(kurt, rel=1e-12)


@given(STEPS)
def test_kurtosis_is_at_least_skewness_squared_plus_one(steps: list[int]) -> None:
    assume(len(set(steps)) > 1)
    found = moments(np.array(steps) / 1000)
    assert found.kurt >= (found.skew**2 + 1) * (1 - 1e-12)


@pytest.mark.parametrize("offset", [1.0, 1e4, 1e8])
def test_a_large_mean_costs_no_digit(offset: float) -> None:
    returns = (offset + np.random.default_rng(1).normal(size=200)).tolist()
    found, (mean, sd, skew, kurt) = moments(returns), exact_moments(returns)
    assert (found.mean, found.sd) == (pytest.approx(mean, rel=1e-15), pytest.approx(sd, rel=1e-14))
    assert (found.skew, found.kurt) == (pytest.approx(skew, rel=1e-12), pytest.approx(kurt, rel=1e-13))


@pytest.mark.parametrize("exponent", [-1060, -600, -200, 200, 600, 1020])
def test_the_unit_of_returns_changes_no_bit_of_their_shape(exponent: int) -> None:
    returns = np.array([1, -3, 2, 2, 5, -1]) / 8
    found, scaled = moments(returns), moments(np.ldexp(returns, exponent))
    assert (scaled.skew, scaled.kurt) == (found.skew, found.kurt)
    assert scaled.sd == math.ldexp(found.sd, exponent)


def test_neighbouring_floats_are_not_constant() -> None:
    found = moments([0.1, math.nextafter(0.1, 1.0)] * 50, ddof=0)
    assert found.sd == pytest.approx(math.ulp(0.1) / 2, rel=1e-12)
    assert found.kurt == pytest.approx(1.0)


def test_a_constant_series_has_no_shape() -> None:
    found = moments([0.001] * 250)
    assert (found.mean, found.sd, found.n_obs) == (0.001, 0.0, 250)
    assert math.isnan(found.skew)
    assert math.isnan(found.kurt)


def test_one_observation_has_no_standard_deviation() -> None:
    found = moments([0.02])
    assert found.mean == 0.02
    assert math.isnan(found.sd)
    assert math.isnan(found.kurt)
    assert moments([0.02], ddof=0).sd == 0.0


def test_two_observations_have_the_shape_of_a_coin() -> None:
    found = moments([0.01, 0.03])
    assert (found.skew, found.kurt) == (pytest.approx(0.0, abs=1e-15), pytest.approx(1.0))


def test_omitted_observations_are_not_counted() -> None:
    assert moments([0.01, math.nan, 0.03], nan_policy="omit") == moments([0.01, 0.03])


def test_nothing_and_a_negative_ddof_are_refused() -> None:
    with pytest.raises(ValueError, match="no observations"):
        moments([])
    with pytest.raises(ValueError, match="no observations"):
        moments([math.nan], nan_policy="omit")
    with pytest.raises(ValueError, match="ddof"):
        moments([0.1, 0.2], ddof=-1)


def test_moments_print_on_one_line() -> None:
    assert repr(moments([0.0, 0.5])).startswith("PopulationMoments(n_obs=2, mean=0.25, sd=0.35355")
