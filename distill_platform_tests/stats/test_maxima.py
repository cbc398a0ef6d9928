"""The expected maximum of N draws: against integrals in 30 digits, closed forms and printed tables."""

import math
from collections.abc import Callable

import mpmath
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.maxima import (
    effective_trials_linear,
    expected_max_z,
    expected_max_z_equicorrelated,
    std_max_z,
)

COUNTS = (1, 1.5, 2, 3, 10, 100, 10**3, 10**6, 10**9, 10**12)

trials = st.floats(1, 1e12)


def exact_moments(n_trials: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Mean and standard deviation of the maximum, by Gauss-Legendre quadrature in 30 digits."""
    with mpmath.workdps(30):
        n = mpmath.mpf(n_trials)
        pieces = [mpmath.mpf(edge) for edge in range(-12, 15)]

        def density(z: mpmath.mpf) -> mpmath.mpf:
            below = mpmath.erfc(-z / mpmath.sqrt(2)) / 2
            return n * mpmath.npdf(z) * mpmath.exp((n - 1) * mpmath.log(below))

        def integral(function: Callable[[mpmath.mpf], mpmath.mpf]) -> mpmath.mpf:
            return mpmath.quad(function, pieces, maxdegree=5)

        mean = integral(lambda z: z * density(z))
        return mean, mpmath.sqrt(integral(lambda z: (z - mean) ** 2 * density(z)))


@pytest.mark.parametrize("n_trials", COUNTS)
def test_the_exact_maximum_has_twelve_digits(n_trials: float) -> None:
    mean, deviation = exact_moments(n_trials)
    assert expected_max_z(n_trials, "exact") == pytest.approx(float(mean), rel=1e-12, abs=1e-15)
    assert std_max_z(n_trials) == pytest.approx(float(deviation), rel=1e-12)


@pytest.mark.parametrize(
    ("n_trials", "mean"),
    [
        (2, 1 / math.sqrt(math.pi)),
        (3, 1.5 / math.sqrt(math.pi)),
        (4, 6 / math.pi**1.5 * math.acos(-1 / 3) / 2),
        (5, 5 / math.sqrt(math.pi) * (1.5 / math.pi * math.acos(-1 / 3) - 0.5)),
    ],
)
def test_small_maxima_are_their_closed_forms(n_trials: int, mean: float) -> None:
    assert expected_max_z(n_trials, "exact") == pytest.approx(mean, rel=1e-14)


def test_the_spread_of_the_maximum_is_that_of_the_printed_table() -> None:
    assert [round(std_max_z(n), 5) for n in (1, 2, 3, 10, 100)] == [1.0, 0.82565, 0.74798, 0.58681, 0.42942]


def test_one_trial_has_nothing_to_select_from() -> None:
    assert expected_max_z(1) == expected_max_z(1, "exact") == expected_max_z_equicorrelated(1, 0.5) == 0.0
    assert std_max_z(1) == pytest.approx(1.0, rel=1e-15)


def test_the_approximation_is_off_by_what_its_docstring_says() -> None:
    errors = [expected_max_z(n) / expected_max_z(n, "exact") - 1 for n in (2, 100)]
    assert errors == pytest.approx([-0.079, 0.009], abs=5e-4)


@pytest.mark.parametrize("n_trials", [0, 0.5, -3, math.nan, math.inf])
def test_fewer_than_one_trial_is_an_error(n_trials: float) -> None:
    for refused in (expected_max_z, std_max_z):
        with pytest.raises(ValueError, match="n_trials"):
            refused(n_trials)
    with pytest.raises(ValueError, match="n_trials"):
        effective_trials_linear(n_trials, 0.0)


@pytest.mark.parametrize(("n_trials", "rho"), [(8, 1.1), (8, -0.2), (8, math.nan), (1, -1.5)])
def test_correlations_that_trials_cannot_have_are_errors(n_trials: int, rho: float) -> None:
    with pytest.raises(ValueError, match="correlation"):
        expected_max_z_equicorrelated(n_trials, rho)
    with pytest.raises(ValueError, match="correlation"):
        effective_trials_linear(n_trials, rho)


def test_an_unknown_method_is_an_error() -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        expected_max_z(10, "gumbel")


def test_two_opposite_trials_have_the_maximum_of_an_absolute_value() -> None:
    assert expected_max_z_equicorrelated(2, -1.0, "exact") == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14)


def test_equal_trials_are_one_trial() -> None:
    assert expected_max_z_equicorrelated(1000, 1.0, "exact") == 0.0
    assert effective_trials_linear(1000, 1.0) == 1.0
    assert effective_trials_linear(1000, 0.0) == 1000.0


@given(trials, st.floats(1.01, 10))
def test_the_maximum_rises_with_the_trials_and_its_spread_falls(n_trials: float, factor: float) -> None:
    more = n_trials * factor
    assert expected_max_z(n_trials) <= expected_max_z(more)
    assert expected_max_z(n_trials, "exact") < expected_max_z(more, "exact")
    assert std_max_z(n_trials) > std_max_z(more)
