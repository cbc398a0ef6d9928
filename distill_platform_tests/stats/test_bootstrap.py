"""Bootstrap distributions: against enumeration in fractions, against direct computation, under simulation."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.blocks import Scheme, resample_indices
from distill_platform.stats.bootstrap import (
    bootstrap_mean,
    bootstrap_means,
    bootstrap_prob_mean_positive,
    bootstrap_prob_mean_positive_exact,
    bootstrap_prob_sharpe_positive,
    bootstrap_sharpe,
    bootstrap_statistic,
    sb_variance_of_mean,
)
from distill_platform.stats.enumeration import enumerated_means, enumerated_stationary_means

RETURNS = np.random.default_rng(3).normal(0.0005, 0.01, 300)
EVERY = [bootstrap_mean, bootstrap_sharpe, bootstrap_prob_mean_positive, bootstrap_prob_sharpe_positive]


def ar1(phi: float, n: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(size=n + 50)
    for t in range(1, n + 50):
        noise[t] += phi * noise[t - 1]
    return noise[50:]


def all_resamples(returns: list[int], block: int, scheme: Scheme) -> list[list[int]]:
    """Every circular or moving resample, by definition."""
    n = len(returns)
    starts = range(n if scheme is Scheme.CIRCULAR else n - block + 1)
    return [
        [returns[(start + i) % n] for start in chosen for i in range(block)][:n]
        for chosen in itertools.product(starts, repeat=math.ceil(n / block))
    ]


def all_stationary(returns: list[int], mean_block: int) -> list[tuple[Fraction, Fraction]]:
    """Mean and probability of every sequence of observations, by definition."""
    n, new = len(returns), Fraction(1, mean_block)
    found = []
    for sequence in itertools.product(range(n), repeat=n):
        probability = Fraction(1, n)
        for before, after in itertools.pairwise(sequence):
            probability *= new / n + (1 - new) * (after == (before + 1) % n)
        found.append((Fraction(sum(returns[i] for i in sequence), n), probability))
    return found


@pytest.mark.parametrize("scheme", [Scheme.CIRCULAR, Scheme.MOVING])
@pytest.mark.parametrize(("returns", "block"), [([5, -4, -1, 2], 2), ([5, -4, -1, 2], 3), ([3, -2, 4, -6, 1], 2)])
def test_success_is_as_likely_as_enumeration_says(scheme: Scheme, returns: list[int], block: int) -> None:
    resamples = all_resamples(returns, block, scheme)
    exact = Fraction(sum(sum(resample) > 0 for resample in resamples), len(resamples))
    assert bootstrap_prob_mean_positive_exact(returns, block, scheme) == pytest.approx(float(exact), rel=1e-14)
    drawn = bootstrap_prob_mean_positive(returns, 40_000, block, scheme, seed=1)
    assert abs(drawn - exact) < 4 * math.sqrt(exact * (1 - exact) / 40_000)


def test_the_published_example() -> None:
    assert bootstrap_prob_mean_positive_exact([5, -4, -1, 2], 2, "circular") == 0.6875


@pytest.mark.parametrize("mean_block", [1, 2, 4])
def test_stationary_resamples_are_as_likely_as_enumeration_says(mean_block: int) -> None:
    returns = [5, -4, -1, 2]
    resamples = all_stationary(returns, mean_block)
    assert sum(probability for _, probability in resamples) == 1
    exact = sum(probability for mean, probability in resamples if mean > 0)
    assert bootstrap_prob_mean_positive_exact(returns, mean_block, "stationary") == pytest.approx(float(exact))
    drawn = bootstrap_prob_mean_positive(returns, 40_000, mean_block, seed=1)
    assert abs(drawn - exact) < 4 * math.sqrt(exact * (1 - exact) / 40_000)


@pytest.mark.parametrize("mean_block", [1, 2, 3])
def test_the_variance_of_a_stationary_mean_is_that_of_enumeration(mean_block: int) -> None:
    returns = [5, -4, -1, 2]
    resamples = all_stationary(returns, mean_block)
    centre = sum(mean * probability for mean, probability in resamples)
    variance = sum((mean - centre) ** 2 * probability for mean, probability in resamples)
    assert sb_variance_of_mean(returns, mean_block) == pytest.approx(float(variance), rel=1e-13)
    assert centre == Fraction(sum(returns), 4)


def test_the_variance_of_a_stationary_mean_is_that_of_many_resamples() -> None:
    exact = sb_variance_of_mean(RETURNS, 10)
    found = bootstrap_mean(RETURNS, 40_000, 10, seed=1)
    assert found.values.var() == pytest.approx(exact, rel=5 * math.sqrt(2 / 40_000))
    assert found.standard_error() == pytest.approx(math.sqrt(exact), rel=5 * math.sqrt(2 / 40_000))
    assert found.values.mean() == pytest.approx(RETURNS.mean(), abs=5 * math.sqrt(exact / 40_000))


@pytest.mark.parametrize("scheme", Scheme)
def test_values_are_those_of_the_resamples_drawn(scheme: Scheme) -> None:
    means, sharpes = (function(RETURNS, 30, 7, scheme, seed=5) for function in (bootstrap_mean, bootstrap_sharpe))
    for resample in range(30):
        drawn = RETURNS[resample_indices(300, 7, scheme, seed=5, resample=resample)]
        assert means.values[resample] == pytest.approx(drawn.mean(), rel=1e-12)
        assert sharpes.values[resample] == pytest.approx(drawn.mean() / drawn.std(ddof=1), rel=1e-11)
    assert sharpes.estimate == pytest.approx(RETURNS.mean() / RETURNS.std(ddof=1), rel=1e-14)
    assert sharpes.provenance == means.provenance


def test_any_function_of_means_can_be_resampled() -> None:
    x, y = RETURNS[:150], RETURNS[150:] + 0.5 * RETURNS[:150]
    terms = np.column_stack([x, y, x * x, y * y, x * y])

    def correlation(means: np.ndarray) -> np.ndarray:
        mx, my, mxx, myy, mxy = means.T
        return np.asarray((mxy - mx * my) / np.sqrt((mxx - mx**2) * (myy - my**2)))

    found = bootstrap_statistic(terms, correlation, 20, 5, seed=2)
    assert found.estimate == pytest.approx(np.corrcoef(x, y)[0, 1])
    drawn = resample_indices(150, 5, seed=2, resample=11)
    assert found.values[11] == pytest.approx(np.corrcoef(x[drawn], y[drawn])[0, 1])
    assert bootstrap_means(terms, 20, 5, seed=2).shape == (20, 5)


def test_bits_are_the_same_on_any_number_of_threads() -> None:
    one, two = (bootstrap_sharpe(RETURNS, 501, 10, seed=9, threads=threads).values for threads in (1, 2))
    assert np.array_equal(one, two)


def test_intervals_are_quantiles_or_reflected_ones() -> None:
    found = bootstrap_sharpe(RETURNS, 2000, 10, seed=1)
    percentile, basic = found.confidence_interval(0.9), found.confidence_interval(0.9, "basic")
    assert (percentile.lower, percentile.upper) == tuple(np.quantile(found.values, [0.05, 0.95]))
    assert basic.lower == pytest.approx(2 * found.estimate - percentile.upper)
    assert basic.upper == pytest.approx(2 * found.estimate - percentile.lower)
    with pytest.raises(ValueError, match="level"):
        found.confidence_interval(1.0)
    with pytest.raises(ValueError, match="student"):
        found.confidence_interval(0.9, "student")


def test_a_p_value_counts_the_sample_itself() -> None:
    found = bootstrap_mean([1.0, 2.0, 3.0, 10.0], 99, 1, seed=1)
    assert found.p_value(null=-1000.0) == 0.01
    assert found.p_value(null=1000.0) == 1.0


def test_a_p_value_counts_ties() -> None:
    found = bootstrap_mean([0.1, 0.2, 0.3, 0.7], 4000, 1, seed=1)
    hit = np.array([sum(each) for each in itertools.product([1, 2, 3, 7], repeat=4)]) - 13 >= 13
    assert found.p_value() == pytest.approx(hit.mean(), abs=4 * math.sqrt(hit.mean() / 4000) + 1 / 4000)


def test_results_print_without_their_values() -> None:
    text = repr(bootstrap_sharpe(RETURNS, 50, 10, seed=9))
    assert "estimate" in text
    assert "seed=9" in text
    assert "array" not in text


@pytest.mark.parametrize("level", [0.0, 0.001, -0.1])
def test_a_constant_has_no_sharpe_ratio(level: float) -> None:
    found = bootstrap_sharpe([level] * 250, 20, 10)
    assert math.isnan(found.estimate)
    assert np.isnan(found.values).all()
    assert found.p_value() == 1.0
    assert math.isnan(found.confidence_interval().lower)
    assert bootstrap_prob_sharpe_positive([level] * 250, 20, 10) == 0.0
    assert bootstrap_prob_mean_positive([level] * 250, 20, 10) == float(level > 0)


def test_a_constant_resample_has_no_sharpe_ratio() -> None:
    mostly_flat = np.zeros(200)
    mostly_flat[7] = 0.1
    found = bootstrap_sharpe(mostly_flat, 500, 50, "circular", seed=1)
    flat = [not mostly_flat[resample_indices(200, 50, "circular", seed=1, resample=b)].any() for b in range(500)]
    assert 0 < sum(flat) < 500
    assert np.isnan(found.values).tolist() == flat
    assert bootstrap_prob_sharpe_positive(mostly_flat, 500, 50, "circular", seed=1) == 1 - np.mean(flat)
    assert bootstrap_prob_mean_positive(mostly_flat, 500, 50, "circular", seed=1) == 1 - np.mean(flat)


def test_a_mean_that_is_0_up_to_rounding_is_no_success() -> None:
    assert bootstrap_prob_mean_positive([0.1, -0.1], 50, 2, "circular") == 0.0
    assert bootstrap_prob_mean_positive_exact([0.3, -0.1, -0.2], 3) == 0.0


def test_few_observations() -> None:
    assert math.isnan(bootstrap_sharpe([0.1], 5, 1).estimate)
    assert bootstrap_mean([0.1], 5).values.tolist() == [0.1] * 5
    two = bootstrap_sharpe([0.1, 0.2], 200, 1, seed=1)
    assert np.nanmax(np.abs(two.values - two.estimate)) < 1e-12
    assert 0.3 < np.isnan(two.values).mean() < 0.7


def test_losses_only() -> None:
    losses = -np.abs(RETURNS) - 1e-9
    assert bootstrap_sharpe(losses, 100, 10).p_value() == 1.0
    losses[5] = -1.0
    assert bootstrap_prob_mean_positive(losses, 100, 10) == 0.0
    assert bootstrap_sharpe(losses, 100, 10).values.max() < 0


@pytest.mark.parametrize("function", EVERY)
def test_wrong_input_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="observation"):
        function([])
    with pytest.raises(ValueError, match="NaN at 1"):
        function([0.1, np.nan, 0.2])
    with pytest.raises(ValueError, match="infinite"):
        function([0.1, np.inf, 0.2])
    with pytest.raises(ValueError, match="one dimension"):
        function(np.zeros((3, 2)))
    for block_length in (0.5, 4, -1):
        with pytest.raises(ValueError, match="block length"):
            function([0.1, 0.2, 0.4], 10, block_length)
    with pytest.raises(ValueError, match="n_resamples"):
        function([0.1, 0.2, 0.4], 0, 1)
    with pytest.raises(ValueError, match="seed"):
        function([0.1, 0.2, 0.4], 10, 1, seed=-1)
    with pytest.raises(ValueError, match="threads"):
        function([0.1, 0.2, 0.4], 10, 1, threads=0)
    with pytest.raises(ValueError, match="whole"):
        function([0.1, 0.2, 0.4], 10, 1.5, "circular")


@pytest.mark.parametrize("function", [bootstrap_mean, bootstrap_sharpe])
def test_nan_may_be_left_out(function: Callable[..., Any]) -> None:
    holes = np.insert(RETURNS, 100, np.nan)
    assert np.array_equal(function(holes, 20, 5, nan_policy="omit").values, function(RETURNS, 20, 5).values)


def test_enumeration_has_limits() -> None:
    with pytest.raises(ValueError, match="too many"):
        enumerated_means(np.zeros((30, 1)), 3, "circular")
    with pytest.raises(ValueError, match="too many"):
        enumerated_stationary_means(np.zeros((8, 1)), 2)
    with pytest.raises(ValueError, match="equally likely"):
        enumerated_means(np.zeros((4, 1)), 2, "stationary")
    with pytest.raises(ValueError, match="block length"):
        bootstrap_prob_mean_positive_exact([1, 2, 3], 4)
    with pytest.raises(ValueError, match="mean_block"):
        sb_variance_of_mean([1, 2, 3], 0.5)


@given(st.integers(2, 40), st.integers(0, 1000), st.integers(-20, 20))
def test_a_sharpe_ratio_has_no_unit(n: int, seed: int, power: int) -> None:
    returns = np.random.default_rng(seed).normal(0.1, 1.0, n)
    found, scaled = (bootstrap_sharpe(scale * returns, 20, 2, seed=seed).values for scale in (1.0, 2.0**power))
    assert np.array_equal(found, scaled, equal_nan=True)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=5), st.data())
def test_success_and_failure_of_the_mirrored_returns_add_up(returns: list[int], data: st.DataObject) -> None:
    block = data.draw(st.integers(1, len(returns)))
    for scheme in Scheme:
        win = bootstrap_prob_mean_positive_exact(returns, block, scheme)
        lose = bootstrap_prob_mean_positive_exact([-value for value in returns], block, scheme)
        assert -1e-12 <= win <= 1 - lose + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(("phi", "block_length"), [(0.0, 5.0), (0.3, 20.0), (0.3, None)])
def test_the_bootstrap_test_keeps_its_size(phi: float, block_length: float | None) -> None:
    rng = np.random.default_rng(11)
    p = [bootstrap_sharpe(ar1(phi, 500, rng), 499, block_length, seed=i).p_value() for i in range(800)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


@pytest.mark.slow
def test_the_bootstrap_test_finds_an_edge() -> None:
    rng = np.random.default_rng(12)
    p = [bootstrap_sharpe(0.15 + ar1(0.0, 500, rng), 499, 5, seed=i).p_value() for i in range(300)]
    assert np.mean(np.array(p) <= 0.05) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("method", ["percentile", "basic"])
def test_intervals_cover_the_truth(method: str) -> None:
    rng = np.random.default_rng(13)
    found = [
        bootstrap_sharpe(0.1 + rng.normal(size=500), 999, 3, seed=i).confidence_interval(0.9, method)
        for i in range(500)
    ]
    assert 0.86 <= np.mean([each.lower <= 0.1 <= each.upper for each in found]) <= 0.94
