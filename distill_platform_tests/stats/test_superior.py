"""Superior predictive ability and the reality check: against enumeration in fractions, and under simulation."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.hansen import hansen_kernel_variance
from distill_platform.stats.superior import reality_check, spa, spa_exact

DIFF = [[3, -1, -6], [-1, 2, -4], [4, -2, -5], [1, 1, -7], [-2, 3, -3], [4, 0, -6]]
NOISE = np.random.default_rng(2).normal(size=(120, 8))


def ar1_panel(phi: float, n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(size=(n + 50, k)) + 0.5 * rng.normal(size=(n + 50, 1))
    for t in range(1, n + 50):
        noise[t] += phi * noise[t - 1]
    return noise[50:]


def white_counts(diff: list[list[int]], block: int) -> tuple[int, int, int]:
    """How many circular resamples have a recentred maximum above that of the sample, or at least it; of how many."""
    n, k = len(diff), len(diff[0])
    means = [Fraction(sum(row[j] for row in diff), n) for j in range(k)]
    stat, above, reached, total = max(*means, Fraction(0)), 0, 0, 0
    for starts in itertools.product(range(n), repeat=math.ceil(n / block)):
        rows = [diff[(start + i) % n] for start in starts for i in range(block)][:n]
        largest = max(*(Fraction(sum(row[j] for row in rows), n) - means[j] for j in range(k)), Fraction(0))
        above, reached, total = above + (largest > stat), reached + (largest >= stat), total + 1
    return above, reached, total


@pytest.mark.parametrize("block", [2, 3, 4])
def test_the_upper_p_value_without_studentizing_is_white_s(block: int) -> None:
    found = spa_exact(DIFF, block, "circular", 0.5, studentize=False)
    assert (found.counts_gt.upper, found.counts_ge.upper, found.n) == white_counts(DIFF, block)
    assert found.p.upper == found.counts_gt.upper / found.n


def test_the_published_example_studentized_for_real() -> None:
    plain, studentized = (spa_exact(DIFF, 2, "circular", 0.5, studentize=studentize) for studentize in (False, True))
    assert (plain.counts_gt.consistent, plain.counts_ge.consistent, plain.n) == (4, 5, 216)
    assert (studentized.counts_gt.consistent, studentized.counts_ge.consistent) == (11, 11)
    assert studentized.stat == pytest.approx(1.5 * math.sqrt(6 / hansen_kernel_variance([r[0] for r in DIFF], 0.5)))
    assert studentized.recentre_mask_consistent == (True, True, False)


@pytest.mark.parametrize("studentize", [False, True])
@pytest.mark.parametrize("scheme", ["circular", "moving"])
def test_drawn_p_values_are_those_of_enumeration(scheme: str, studentize: bool) -> None:
    diff = np.random.default_rng(8).normal(size=(8, 3)) + np.array([0.5, 0.0, -2.0])
    exact = spa_exact(diff, 2, scheme, 0.5, studentize)
    drawn = spa(diff, 20_000, 2, scheme, 0.5, studentize, seed=1)
    for name in ("lower", "consistent", "upper"):
        p = getattr(exact.p, name)
        assert getattr(drawn.p, name) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000) + 1 / 20_000)
    assert drawn.stat == exact.stat
    assert drawn.recentre_mask_consistent == exact.recentre_mask_consistent


def test_the_reality_check_is_the_plain_upper_p_value() -> None:
    check, plain = reality_check(NOISE, 200, 5, seed=3), spa(NOISE, 200, 5, studentize=False, seed=3)
    assert (check.p, check.stat, check.provenance) == (plain.p.upper, plain.stat, plain.provenance)
    assert check.stat == pytest.approx(math.sqrt(120) * NOISE.mean(axis=0).max())


@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 999), st.booleans())
def test_p_values_are_ordered_and_never_0(n: int, k: int, seed: int, studentize: bool) -> None:
    diff = np.random.default_rng(seed).normal(-0.3, 1.0, (n, k))
    p = spa(diff, 50, 1, studentize=studentize, seed=seed).p
    assert 1 / 51 <= p.lower <= p.consistent <= p.upper <= 1


@given(st.integers(0, 999), st.permutations(range(8)))
def test_the_order_of_models_does_not_matter(seed: int, order: list[int]) -> None:
    assert spa(NOISE[:, order], 50, 5, seed=seed).p == spa(NOISE, 50, 5, seed=seed).p


def test_units_do_not_matter_and_scales_of_single_models_only_without_studentizing() -> None:
    scales = 2.0 ** np.array([0, 1, 2, 3, -1, -2, -3, 5])
    assert spa(NOISE * scales, 200, 5, seed=1).p == spa(NOISE, 200, 5, seed=1).p
    assert spa(NOISE * 8, 200, 5, studentize=False, seed=1).p == spa(NOISE, 200, 5, studentize=False, seed=1).p
    assert spa(NOISE * scales, 200, 5, studentize=False, seed=1).p != spa(NOISE, 200, 5, studentize=False, seed=1).p


def test_poor_models_blind_the_reality_check_but_not_hansen_s_test() -> None:
    rng = np.random.default_rng(4)
    edge = rng.normal(0.25, 1.0, (200, 1))
    poor = rng.normal(-5.0, 8.0, (200, 40))
    diff = np.hstack([edge, poor])
    assert reality_check(diff, 999, 3).p > 0.2
    assert spa(diff, 999, 3).p.consistent < 0.02


def test_models_that_do_not_vary_are_no_evidence() -> None:
    for diff in (np.zeros((30, 2)), np.full((30, 1), 0.001), np.full((1, 3), 0.5)):
        found = spa(diff, 99)
        assert (found.p.lower, found.p.consistent, found.p.upper, found.stat) == (1.0, 1.0, 1.0, 0.0)
        assert reality_check(diff, 99).p == 1.0
    assert spa_exact(np.zeros((4, 2)), 2).p.upper == 1.0
    with_constant = np.column_stack([np.full(120, 0.3), NOISE])
    assert spa(with_constant, 99, 5).p == spa(NOISE, 99, 5).p
    assert spa(with_constant, 99, 5).recentre_mask_consistent[0] is False


def test_a_computed_constant_is_one() -> None:
    benchmark = np.random.default_rng(1).normal(size=(250, 1))
    computed = (benchmark + 0.001) - benchmark
    assert np.ptp(computed) > 0
    assert spa(computed, 99, 5).p.consistent == 1.0


def test_all_models_worse_is_no_rejection() -> None:
    found = spa(NOISE - 3.0, 99, 5)
    assert found.stat == 0.0
    assert found.p.lower == 1.0


def test_bits_are_the_same_on_any_number_of_threads() -> None:
    assert spa(NOISE, 300, 5, seed=4, threads=2) == spa(NOISE, 300, 5, seed=4)


def test_results_print_what_matters() -> None:
    text = repr(spa(NOISE, 99, 5, seed=4))
    assert all(word in text for word in ("consistent=", "stat=", "seed=4"))
    assert "mask" not in text


@pytest.mark.parametrize("test", [spa, reality_check])
def test_wrong_input_is_refused(test: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        test([1.0, 2.0])
    with pytest.raises(ValueError, match="observations"):
        test(np.zeros((0, 2)))
    with pytest.raises(ValueError, match="NaN"):
        test([[1.0, np.nan]])
    with pytest.raises(ValueError, match="infinite"):
        test([[1.0, np.inf]])
    with pytest.raises(ValueError, match="block length"):
        test(NOISE, 10, 121)
    with pytest.raises(ValueError, match="n_resamples"):
        test(NOISE, 0, 5)
    with pytest.raises(ValueError, match="jackknife"):
        test(NOISE, 10, 5, "jackknife")
    with pytest.raises(ValueError, match="q must"):
        spa(NOISE, 10, 5, kernel_q=2.0)


@pytest.mark.slow
@pytest.mark.parametrize(("phi", "n", "block"), [(0.0, 500, 3), (0.3, 1000, 8)])
def test_the_tests_keep_their_size(phi: float, n: int, block: int) -> None:
    """With blocks of about the optimal length. Hansen's test is near 8 percent if dependent, so fewer simulations would
    not tell that from 9."""
    rng = np.random.default_rng(21)
    panels = [ar1_panel(phi, n, 10, rng) for _ in range(2400)]
    white = [reality_check(panel, 499, block, seed=i).p for i, panel in enumerate(panels)]
    hansen = [spa(panel, 499, block, seed=i).p.consistent for i, panel in enumerate(panels)]
    for p in (white, hansen):
        assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


@pytest.mark.slow
def test_the_tests_find_a_planted_edge() -> None:
    rng = np.random.default_rng(22)
    panels = [ar1_panel(0.0, 500, 10, rng) + 0.25 * (np.arange(10) == 4) for _ in range(300)]
    white = [reality_check(panel, 499, 3, seed=i).p for i, panel in enumerate(panels)]
    hansen = [spa(panel, 499, 3, seed=i).p.consistent for i, panel in enumerate(panels)]
    for p in (white, hansen):
        assert np.mean(np.array(p) <= 0.05) > 0.9
