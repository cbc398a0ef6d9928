import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.correlation import correlation_matrix, portfolio_fit
from distill_platform.stats.residue import is_residue

Panel = npt.NDArray[np.float64]


def panel(n_rows: int, n: int, seed: int = 1) -> Panel:
    rng = np.random.default_rng(seed)
    return 0.01 * (rng.normal(size=(n_rows, n)) + 0.5 * rng.normal(size=(n_rows, 1))) + 0.0005


def naive_sharpe(returns: Panel) -> float:
    return float(returns.mean() / returns.std(ddof=1))


@pytest.mark.parametrize(("n_rows", "n"), [(2, 3), (50, 1), (50, 7), (300, 64), (300, 65), (100, 150)])
def test_correlations_are_those_of_numpy(n_rows: int, n: int) -> None:
    returns = panel(n_rows, n)
    found = correlation_matrix(returns)
    np.testing.assert_allclose(found, np.corrcoef(returns, rowvar=False).reshape(n, n), atol=1e-13)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diagonal(found), 1.0)


@given(st.integers(0, 2**32), st.permutations(range(5)))
def test_permuted_series_have_permuted_correlations_to_the_bit(seed: int, order: list[int]) -> None:
    returns = panel(20, 5, seed)
    expected = correlation_matrix(returns)[np.ix_(order, order)]
    np.testing.assert_array_equal(correlation_matrix(returns[:, order]), expected)


def test_scale_and_level_leave_correlations_as_they_are() -> None:
    returns = panel(100, 4)
    np.testing.assert_allclose(correlation_matrix(returns * 1e-6 + 0.1), correlation_matrix(returns), atol=1e-7)
    np.testing.assert_array_equal(correlation_matrix(returns * 2.0**-20), correlation_matrix(returns))


def test_a_copy_correlates_fully_and_its_opposite_inversely() -> None:
    returns = panel(50, 1)
    found = correlation_matrix(np.column_stack([returns, returns, -3.0 * returns]))
    np.testing.assert_allclose(found[0], [1.0, 1.0, -1.0], atol=1e-15)
    assert np.abs(found).max() <= 1.0


def test_a_series_that_does_not_vary_correlates_with_nothing_not_even_itself() -> None:
    returns = panel(250, 3)
    returns[:, 1] = 0.001
    found = correlation_matrix(returns)
    assert np.isnan(found).tolist() == [[False, True, False], [True, True, True], [False, True, False]]
    assert np.isnan(correlation_matrix([[0.1, 0.2]])).all()


@pytest.mark.parametrize(
    ("returns", "complaint"),
    [
        ([0.1], "two dimensions"),
        (np.zeros((0, 2)), "empty"),
        (np.zeros((2, 0)), "empty"),
        ([[math.nan]], "NaN"),
        ([[math.inf]], "infinite"),
    ],
)
def test_wrong_panels_are_refused(returns: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        correlation_matrix(returns)


def test_a_candidate_is_measured_against_each_and_all() -> None:
    returns = panel(500, 4)
    existing, candidate = returns[:, :3], returns[:, 3]
    fit = portfolio_fit(candidate, existing, tail=0.1)
    scaled = returns / returns.std(axis=0, ddof=1)
    before, after = scaled[:, :3].mean(axis=1), scaled.mean(axis=1)
    worst = np.argsort(before)[:50]
    np.testing.assert_allclose(fit.correlations, np.corrcoef(returns, rowvar=False)[3, :3])
    assert fit.max_correlation == fit.correlations.max()
    assert fit.mean_correlation == pytest.approx(fit.correlations.mean())
    assert fit.tail_correlation == pytest.approx(np.corrcoef(candidate[worst], before[worst])[0, 1])
    assert fit.sharpe_before == pytest.approx(naive_sharpe(before))
    assert fit.sharpe_after == pytest.approx(naive_sharpe(after))
    assert fit.diversification_benefit == pytest.approx(before.std(ddof=1) - after.std(ddof=1))
    assert (fit.n_obs, fit.n_tail) == (500, 50)


def test_a_copy_of_the_only_strategy_brings_nothing() -> None:
    returns = panel(200, 1)
    fit = portfolio_fit(3.0 * returns[:, 0], returns)
    assert fit.max_correlation == pytest.approx(1.0)
    assert fit.sharpe_after == pytest.approx(fit.sharpe_before)
    assert fit.diversification_benefit == pytest.approx(0.0, abs=1e-12)


def test_an_independent_strategy_diversifies_and_a_copy_of_one_of_many_does_the_opposite() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, size=(5000, 4))
    fresh = portfolio_fit(returns[:, 3], returns[:, :3])
    copied = portfolio_fit(returns[:, 0], returns[:, :3])
    assert fresh.diversification_benefit == pytest.approx(1 / math.sqrt(3) - 1 / 2, abs=0.01)
    assert copied.diversification_benefit == pytest.approx(1 / math.sqrt(3) - math.sqrt(6) / 4, abs=0.01)
    assert fresh.sharpe_after > fresh.sharpe_before


def test_a_hedge_is_no_duplicate() -> None:
    returns = panel(200, 1)
    fit = portfolio_fit(0.001 - 0.9 * returns[:, 0] + 0.1 * panel(200, 1, seed=9)[:, 0], returns)
    assert fit.max_correlation < -0.9


def test_a_perfect_hedge_leaves_rounding_not_an_infinite_sharpe_ratio() -> None:
    returns = panel(200, 1)
    assert math.isnan(portfolio_fit(0.001 - 0.7 * returns[:, 0], returns).sharpe_after)


def test_losses_that_come_together_show_in_the_tail() -> None:
    rng = np.random.default_rng(4)
    market, noise = rng.normal(size=20_000), rng.normal(size=20_000)
    usual = portfolio_fit(0.5 * market + math.sqrt(0.75) * noise, market[:, np.newaxis])
    crashing = portfolio_fit(np.where(market < -1.2, market, noise), market[:, np.newaxis])
    assert usual.correlations[0] == pytest.approx(0.5, abs=0.02)
    assert usual.tail_correlation == pytest.approx(0.23, abs=0.04)
    assert crashing.tail_correlation > 0.99


def test_normal_returns_correlate_by_the_formula_in_the_tail() -> None:
    """Boyer, Gibson and Loretan (1997), theorem 1, for the worst tenth and a correlation of one half."""
    z = -1.2815515655446004
    hazard = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / 0.1
    variance = 1 - z * hazard - hazard**2
    assert 0.5 / math.sqrt(0.25 + 0.75 / variance) == pytest.approx(0.23, abs=0.005)


@pytest.mark.parametrize("which", ["candidate", "existing"])
def test_a_strategy_that_does_not_vary_fits_nowhere(which: str) -> None:
    returns = panel(100, 3)
    returns[:, 2 if which == "candidate" else 0] = 0.001
    fit = portfolio_fit(returns[:, 2], returns[:, :2])
    assert math.isnan(fit.max_correlation)
    assert math.isnan(fit.mean_correlation)
    assert math.isnan(fit.tail_correlation)
    assert math.isnan(fit.sharpe_after)
    assert math.isnan(fit.diversification_benefit)


@pytest.mark.parametrize("n_rows", [1, 2, 20])
def test_two_periods_in_the_tail_say_nothing(n_rows: int) -> None:
    fit = portfolio_fit(panel(n_rows, 1)[:, 0], panel(n_rows, 2, seed=3), tail=0.1)
    assert math.isnan(fit.tail_correlation)
    assert fit.n_tail == math.ceil(n_rows / 10)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([0.1, 0.2], [[0.1]]), "do not fit"),
        (([], np.zeros((0, 1))), "do not fit"),
        (([0.1], np.zeros((1, 0))), "do not fit"),
        (([0.1], [0.1]), "two dimensions"),
        (([math.nan], [[0.1]]), "candidate is NaN"),
        (([0.1], [[math.nan]]), "existing is NaN"),
        (([0.1], [[math.inf]]), "infinite"),
        (([0.1], [[0.1]], 0.0), "tail"),
        (([0.1], [[0.1]], 1.0), "tail"),
    ],
)
def test_wrong_portfolios_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        portfolio_fit(*arguments)


def test_a_fit_prints_its_numbers_without_its_arrays() -> None:
    text = repr(portfolio_fit(panel(50, 1)[:, 0], panel(50, 2, seed=2)))
    assert "max_correlation" in text
    assert "array" not in text


def test_residues_are_told_from_small_returns() -> None:
    assert is_residue(np.array([1.0, 1.0 + 4e-16]), 1.0)
    assert not is_residue(np.array([1.0, 1.0 + 1e-14]), 1.0)
    assert is_residue(np.array([]), 1.0)
