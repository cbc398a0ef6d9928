import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.expected_shortfall import es_historical
from distill_platform.stats.normal import ppf
from distill_platform.stats.portfolio_risk import marginal_es_historical, marginal_var_gaussian
from distill_platform.stats.value_at_risk import var_gaussian

RETURNS = [
    [0.01, -0.03], [-0.02, -0.01], [0.005, 0.02], [-0.04, 0.01], [0.02, -0.02],
    [0.0, 0.01], [0.01, 0.0], [-0.01, 0.03], [0.015, -0.005], [0.002, 0.004],
]  # fmt: skip


def random_covariance(rng: np.random.Generator, n: int) -> np.ndarray[Any, Any]:
    factors = rng.normal(size=(n, n + 2))
    return factors @ factors.T / 1e4


@given(st.integers(1, 8), st.integers(0, 2**32), st.integers(51, 99))
def test_gaussian_components_sum_to_the_risk_of_the_portfolio(n: int, seed: int, percent: int) -> None:
    rng = np.random.default_rng(seed)
    cov, weights, mean = random_covariance(rng, n), rng.normal(size=n), rng.normal(size=n) / 100
    found = marginal_var_gaussian(weights, cov, percent / 100, mean)
    expected = var_gaussian(weights @ mean, math.sqrt(weights @ cov @ weights), 1 - percent / 100)
    assert found.total == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert math.fsum(found.component) == pytest.approx(found.total, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(found.component, weights * found.marginal)


def test_gaussian_marginals_are_the_derivatives() -> None:
    rng = np.random.default_rng(5)
    cov, weights, mean = random_covariance(rng, 4), rng.normal(size=4), rng.normal(size=4) / 100
    found = marginal_var_gaussian(weights, cov, 0.99, mean)
    for member in range(4):
        step = np.eye(4)[member] * 1e-6
        up, down = (marginal_var_gaussian(weights + s, cov, 0.99, mean).total for s in (step, -step))
        assert found.marginal[member] == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_a_smaller_share_of_what_is_riskier_adds_as_much_risk() -> None:
    found = marginal_var_gaussian([0.6, 0.4], [[0.0004, 0.0001], [0.0001, 0.0009]], 0.95, [0, 0])
    assert found.component[0] == pytest.approx(found.component[1])
    assert found.total == pytest.approx(-ppf(0.05) * math.sqrt(0.000336))


def test_a_portfolio_without_variance_has_no_marginals() -> None:
    hedged = marginal_var_gaussian([1.0, -1.0], [[0.04, 0.04], [0.04, 0.04]], 0.95, [0.01, 0.03])
    assert np.isnan(hedged.marginal).all()
    assert np.isnan(hedged.component).all()
    assert hedged.total == pytest.approx(0.02)
    assert marginal_var_gaussian([0.0], [[0.04]]).total == 0.0
    assert np.isnan(marginal_var_gaussian([0.3, 0.7, -1.0], np.full((3, 3), 0.01)).marginal).all()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([], np.zeros((0, 0))), "do not fit"),
        (([1.0], [[0.1, 0.0], [0.0, 0.1]]), "do not fit"),
        (([1.0, 1.0], [[0.1, 0.0]]), "do not fit"),
        (([1.0], [[0.1]], 0.95, [0.0, 0.0]), "do not fit"),
        (([1.0, 1.0], [[0.1, 0.01], [0.0, 0.1]]), "symmetric"),
        (([1.0, -1.0], [[0.1, 0.2], [0.2, 0.1]]), "not a covariance"),
        (([1.0], [[-0.1]]), "not a covariance"),
        (([math.nan], [[0.1]]), "weights is NaN"),
        (([1.0], [[math.nan]]), "cov is NaN"),
        (([1.0], [[math.inf]]), "infinite"),
        (([1.0], [[0.1]], 0.95, [math.nan]), "mean is NaN"),
        (([1.0], [[0.1]], 1.0), "confidence"),
    ],
)
def test_wrong_portfolios_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        marginal_var_gaussian(*arguments)


def test_the_worst_two_of_ten_periods_say_who_lost() -> None:
    found = marginal_es_historical(RETURNS, [0.5, 0.5], 0.8)
    np.testing.assert_allclose(found.marginal, [0.03, 0.0], atol=1e-15)
    assert found.total == pytest.approx(0.015)
    assert math.copysign(1.0, found.marginal[1]) == 1.0


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32), st.integers(1, 99))
def test_historical_components_sum_to_the_shortfall_of_the_portfolio(n: int, k: int, seed: int, percent: int) -> None:
    rng = np.random.default_rng(seed)
    returns, weights = rng.normal(size=(n, k)) / 100, rng.normal(size=k)
    found = marginal_es_historical(returns, weights, percent / 100)
    expected = es_historical((returns * weights).sum(axis=1), percent / 100)
    assert found.total == pytest.approx(expected, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(found.component, weights * found.marginal)


def test_historical_marginals_are_exact_fractions() -> None:
    found = marginal_es_historical(RETURNS, [0.25, 0.75], 0.75)
    worst = sorted(range(10), key=lambda row: Fraction(RETURNS[row][0]) + 3 * Fraction(RETURNS[row][1]))[:3]
    shares = [Fraction(1), Fraction(1), Fraction(1, 2)]
    for member in range(2):
        total = sum(share * Fraction(RETURNS[row][member]) for share, row in zip(shares, worst, strict=True))
        assert found.marginal[member] == pytest.approx(float(-total / Fraction(5, 2)), rel=1e-14)


def test_of_equally_bad_periods_the_earlier_counts() -> None:
    found = marginal_es_historical([[-0.02, 0.0], [0.0, -0.02], [0.01, 0.01]], [0.5, 0.5], 2 / 3)
    assert found.marginal.tolist() == [0.02, 0.0]


def test_a_single_wipe_out_is_blamed_on_its_member() -> None:
    found = marginal_es_historical([[-1.0, 0.1]], [1.0, 0.0])
    assert found.total == 1.0
    assert found.component.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([[0.1, 0.2]], [1.0]), "do not fit"),
        ((np.zeros((0, 1)), [1.0]), "do not fit"),
        ((np.zeros((3, 0)), []), "do not fit"),
        (([0.1], [1.0]), "two dimensions"),
        (([[math.nan]], [1.0]), "NaN at row 0"),
        (([[0.1]], [math.inf]), "infinite"),
        (([[0.1]], [1.0], 0.0), "confidence"),
    ],
)
def test_wrong_samples_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        marginal_es_historical(*arguments)


def test_results_print_their_total() -> None:
    assert repr(marginal_es_historical([[-1.0]], [1.0])) == "RiskDecomposition(total=1.0)"
