"""The normal distribution against mpmath with 60 digits, tails included."""

import math
import statistics

import mpmath as mp
import numpy as np
import pytest

from distill_platform.stats.normal import EULER_GAMMA, cdf, isf, pdf, ppf, sf

PLACES = np.concatenate([np.linspace(-37.5, 8.0, 92), np.random.default_rng(1).uniform(-37.5, 8.0, 200)]).tolist()
PROBABILITIES = [1e-307, 1e-200, 1e-100, 1e-74, 1e-20, 1e-9, 0.001, 0.02425, 0.3, 0.5, 0.7, 0.97575, 0.999]


def exact_cdf(z: float) -> mp.mpf:
    with mp.workdps(60):
        return mp.erfc(-mp.mpf(z) / mp.sqrt(2)) / 2


def relative_error(found: float, expected: mp.mpf) -> float:
    with mp.workdps(60):
        return float(abs(mp.mpf(found) / expected - 1))


@pytest.mark.parametrize("z", PLACES)
def test_the_lower_tail_is_accurate_relative_to_itself(z: float) -> None:
    assert relative_error(cdf(z), exact_cdf(z)) < 2e-15
    assert sf(-z) == cdf(z)


@pytest.mark.parametrize("z", PLACES)
def test_the_density_is_accurate_relative_to_itself(z: float) -> None:
    with mp.workdps(60):
        exact = mp.exp(-(mp.mpf(z) ** 2) / 2) / mp.sqrt(2 * mp.pi)
    assert relative_error(pdf(z), exact) < 1e-13


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_a_quantile_is_where_the_probability_is_reached(probability: float) -> None:
    with mp.workdps(60):
        root = mp.findroot(
            lambda z: mp.log(mp.erfc(-z / mp.sqrt(2)) / 2) - mp.log(mp.mpf(probability)), ppf(probability)
        )
    assert ppf(probability) == pytest.approx(float(root), rel=1e-15, abs=1e-16)
    assert isf(probability) == -ppf(probability)


def test_eighteen_standard_deviations_are_not_impossible() -> None:
    assert cdf(-18.0) == pytest.approx(9.740948918938e-73, rel=1e-12)
    assert isf(1e-74) == pytest.approx(18.251855356747704, rel=1e-15)


@pytest.mark.parametrize("function", [pdf, cdf, sf, ppf, isf])
def test_nan_stays_nan(function: type[float]) -> None:
    assert math.isnan(function(math.nan))


def test_the_ends_of_the_line() -> None:
    assert (cdf(-math.inf), cdf(math.inf), sf(math.inf), sf(-math.inf), pdf(math.inf)) == (0.0, 1.0, 0.0, 1.0, 0.0)
    assert (ppf(0.0), ppf(1.0), isf(0.0), isf(1.0)) == (-math.inf, math.inf, math.inf, -math.inf)
    assert cdf(0.0) == ppf(0.5) + 0.5 == 0.5


@pytest.mark.parametrize("probability", [-1e-300, 1.0000000001, math.inf, -math.inf])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        ppf(probability)


def test_the_centre_agrees_with_the_standard_library() -> None:
    for z in (-2.0, -0.3, 0.0, 1.7):
        assert cdf(z) == pytest.approx(statistics.NormalDist().cdf(z), rel=1e-15)


def test_eulers_constant() -> None:
    assert float(mp.euler) == EULER_GAMMA
