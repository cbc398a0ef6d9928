"""Model confidence set: against enumeration and step-by-step definitions, and under simulation."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.blocks import resample_indices
from distill_platform.stats.confidence_set import mcs, mcs_range_exact

LOSSES = [[-3, 1, 6], [1, -2, 4], [-4, 2, 5], [-1, -1, 7], [2, -3, 3], [-4, 0, 6]]
NOISE = np.random.default_rng(2).normal(size=(150, 6)) + np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.5])


def stepwise(losses: np.ndarray, deviations: np.ndarray, statistic: str) -> tuple[list[int], list[float]]:
    """Elimination with everything computed anew in each set; ties aside, as the paper says."""
    left, order, p_values = list(range(losses.shape[1])), [], []
    means = losses.mean(axis=0)
    while len(left) > 1:
        if statistic == "range":
            pairs = [(i, j) for i in left for j in left if i != j]
            draws = np.array([deviations[:, i] - deviations[:, j] for i, j in pairs])
            values = np.array([means[i] - means[j] for i, j in pairs])
            models = [i for i, _ in pairs]
        else:
            draws = (deviations[:, left] - deviations[:, left].mean(axis=1, keepdims=True)).T
            values = means[left] - means[left].mean()
            models = left
        spread = np.sqrt((draws**2).mean(axis=1))
        stat = (values / spread).max()
        simulated = (draws / spread[:, None]).max(axis=0)
        p_values.append((1 + np.count_nonzero(simulated >= stat)) / (1 + len(deviations)))
        order.append(models[int(np.argmax(values / spread))])
        left.remove(order[-1])
    return order + left, np.maximum.accumulate([*p_values, 1.0]).tolist()


@pytest.mark.parametrize("statistic", ["range", "max"])
@pytest.mark.parametrize("scheme", ["stationary", "circular", "moving"])
def test_one_pass_over_all_sets_is_the_stepwise_definition(scheme: str, statistic: str) -> None:
    indices = [resample_indices(150, 5, scheme, seed=3, resample=b) for b in range(400)]
    deviations = np.array([NOISE[each].mean(axis=0) - NOISE.mean(axis=0) for each in indices])
    order, p_values = stepwise(NOISE, deviations, statistic)
    found = mcs(NOISE, 400, 5, scheme, statistic, seed=3)
    assert list(found.elimination_order) == order
    assert list(found.p_values) == pytest.approx(p_values, abs=1e-12)


def test_the_published_example() -> None:
    found = mcs_range_exact(LOSSES, 2, "circular")
    assert found.elimination_order == (2, 1, 0)
    assert found.p_values == pytest.approx((0, 88 / 216, 1))


def test_the_last_step_is_that_of_enumeration_in_fractions() -> None:
    first = [row[0] - row[1] for row in LOSSES]
    mean = Fraction(sum(first), 6)
    draws = [
        Fraction(sum(first[(start + i) % 6] for start in starts for i in range(2)), 6) - mean
        for starts in itertools.product(range(6), repeat=3)
    ]
    above = sum(abs(draw) > abs(mean) for draw in draws)
    assert mcs_range_exact(LOSSES, 2).p_values[1] == pytest.approx(above / 216)


def test_drawn_p_values_are_those_of_enumeration() -> None:
    losses = np.random.default_rng(8).normal(size=(8, 3)) + np.array([0.0, 0.4, 1.0])
    exact, drawn = mcs_range_exact(losses, 2), mcs(losses, 20_000, 2, "circular", seed=1)
    assert drawn.elimination_order == exact.elimination_order
    assert drawn.p_values == pytest.approx(exact.p_values, abs=0.02)


@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 999), st.sampled_from(["range", "max"]))
def test_every_model_is_eliminated_once_and_p_values_never_fall(n: int, k: int, seed: int, statistic: str) -> None:
    losses = np.random.default_rng(seed).normal(size=(n, k))
    found = mcs(losses, 50, 1, statistic=statistic, seed=seed)
    assert sorted(found.elimination_order) == list(range(k))
    assert list(found.p_values) == sorted(found.p_values)
    assert found.p_values[0] >= 1 / 51
    assert found.p_values[-1] == 1.0


@pytest.mark.parametrize("statistic", ["range", "max"])
def test_the_order_of_models_does_not_matter(statistic: str) -> None:
    order = [3, 0, 5, 1, 4, 2]
    found, moved = (mcs(losses, 300, 5, statistic=statistic, seed=1) for losses in (NOISE, NOISE[:, order]))
    assert tuple(order[model] for model in moved.elimination_order) == found.elimination_order
    assert moved.p_values == pytest.approx(found.p_values, abs=1e-12)


@pytest.mark.parametrize("statistic", ["range", "max"])
def test_what_all_models_lose_together_does_not_matter(statistic: str) -> None:
    common = np.random.default_rng(1).normal(size=(150, 1))
    found, moved = (mcs(losses, 300, 5, statistic=statistic, seed=1) for losses in (NOISE, 1000 * common + NOISE))
    assert moved.elimination_order == found.elimination_order
    assert moved.p_values == pytest.approx(found.p_values, abs=1e-12)


@pytest.mark.parametrize("statistic", ["range", "max"])
def test_models_that_differ_by_nothing_or_a_constant_cannot_be_told_apart(statistic: str) -> None:
    one = NOISE[:, :1]
    for losses in (np.zeros((30, 3)), np.repeat(one, 3, axis=1), one + np.array([0.0, 0.1, 0.7])):
        assert mcs(losses, 99, 5, statistic=statistic).p_values == (1.0, 1.0, 1.0)
    with_twin = np.column_stack([NOISE[:, [0, 0]], NOISE[:, 0] + 1.0 + 0.1 * NOISE[:, 1]])
    found = mcs(with_twin, 99, 5, statistic=statistic)
    assert found.elimination_order[0] == 2
    assert found.p_values == (0.01, 1.0, 1.0)


def test_one_model_is_the_set() -> None:
    found = mcs(NOISE[:, :1], 10, 5)
    assert (found.elimination_order, found.p_values, found.included()) == ((0,), (1.0,), (0,))
    assert mcs(NOISE[:1], 10).p_values[-1] == 1.0


def test_models_with_larger_p_values_are_included() -> None:
    one, other = np.random.default_rng(1).normal(size=(2, 200))
    losses = np.column_stack([one, one + other + 2.0, one[::-1]])
    found = mcs(losses, 499, 3)
    assert found.included(0.05) == (0, 2)
    with pytest.raises(ValueError, match="size"):
        found.included(0.0)


@pytest.mark.parametrize("statistic", ["range", "max"])
def test_bits_are_the_same_on_any_number_of_threads(statistic: str) -> None:
    one, two = (mcs(NOISE, 1300, 5, statistic=statistic, seed=4, threads=threads) for threads in (1, 2))
    assert one == two


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        mcs([1.0, 2.0])
    for shape in ((0, 2), (2, 0)):
        with pytest.raises(ValueError, match="at least one"):
            mcs(np.zeros(shape))
    with pytest.raises(ValueError, match="NaN"):
        mcs([[1.0, math.nan]])
    with pytest.raises(ValueError, match="block length"):
        mcs(NOISE, 10, 151)
    with pytest.raises(ValueError, match="median"):
        mcs(NOISE, 10, 5, statistic="median")
    with pytest.raises(ValueError, match="equally likely"):
        mcs_range_exact(LOSSES, 2, "stationary")


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["range", "max"])
def test_the_best_models_stay_in_the_set_as_often_as_promised(statistic: str) -> None:
    rng = np.random.default_rng(41)
    worse = 0.4 * (np.arange(6) >= 2)
    found = [
        mcs(rng.normal(size=(400, 6)) + worse, 499, 3, statistic=statistic, seed=i).included(0.1) for i in range(400)
    ]
    assert np.mean([{0, 1} <= set(each) for each in found]) >= 0.86
    assert np.mean([len(each) <= 2 for each in found]) > 0.85
