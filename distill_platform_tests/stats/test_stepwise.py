"""Stepwise multiple testing: against enumeration, and under simulation."""

import itertools
import math

import numpy as np
import pytest

from distill_platform.stats.hansen import hansen_kernel_variance
from distill_platform.stats.stepwise import stepm, stepm_exact

DIFF = [[3, -1, -6], [-1, 2, -4], [4, -2, -5], [1, 1, -7], [-2, 3, -3], [4, 0, -6]]


def by_definition(diff: np.ndarray, block: int, size: float) -> tuple[list[int], float]:
    """The procedure without studentizing, on explicit resamples; models that are worse beyond doubt keep their mean."""
    n = len(diff)
    omega = np.sqrt([hansen_kernel_variance(column, 0.5) for column in diff.T])
    means = diff.mean(axis=0)
    centre = np.where(means >= -omega * math.sqrt(2 * math.log(math.log(n)) / n), means, 0.0)
    resamples = itertools.product(range(n), repeat=math.ceil(n / block))
    indices = [[(start + i) % n for start in starts for i in range(block)][:n] for starts in resamples]
    deviations = np.array([diff[each].mean(axis=0) - centre for each in indices])
    left, superior, critical = list(range(diff.shape[1])), [], math.nan
    while left:
        critical = float(np.percentile(deviations[:, left].max(axis=1).clip(0), 100 * (1 - size)))
        better = [model for model in left if diff[:, model].mean() > critical]
        if not better:
            break
        superior += better
        left = [model for model in left if model not in better]
    return sorted(superior), critical


def test_the_published_example() -> None:
    found = stepm_exact(DIFF, 2, "circular", 0.5, studentize=False, size=0.05)
    assert found.superior == (0,)
    assert found.last_critical_value == pytest.approx(0.875)


@pytest.mark.parametrize("seed", range(8))
def test_steps_are_those_of_the_definition(seed: int) -> None:
    diff = np.random.default_rng(seed).normal(0.0, 1.0, (6, 4)) + np.array([1.5, 0.9, 0.5, 0.3])
    found = stepm_exact(diff, 2, "circular", 0.5, studentize=False, size=0.1)
    superior, critical = by_definition(diff, 2, 0.1)
    assert list(found.superior) == superior
    assert found.last_critical_value == pytest.approx(critical, nan_ok=True)


def test_drawn_critical_values_are_those_of_enumeration() -> None:
    diff = np.random.default_rng(8).normal(size=(8, 3)) + np.array([1.0, 0.0, -0.3])
    for studentize in (False, True):
        exact = stepm_exact(diff, 2, "circular", 0.5, studentize=studentize)
        drawn = stepm(diff, 0.05, 40_000, 2, "circular", 0.5, studentize, seed=1)
        assert drawn.superior == exact.superior
        assert drawn.last_critical_value == pytest.approx(exact.last_critical_value, rel=0.03)


def test_a_second_step_finds_what_the_first_one_hides() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(400, 3))
    diff = np.column_stack([3.0 + 30.0 * noise[:, 0], 0.3 + noise[:, 1], noise[:, 2] - noise[:, 2].mean()])
    diff[:, 0] += 5.0
    found = stepm(diff, 0.05, 2000, 3, studentize=False, seed=1)
    assert found.superior == (0, 1)
    assert found.last_critical_value < 0.2


def test_all_superior_and_none() -> None:
    noise = np.random.default_rng(6).normal(size=(200, 3))
    assert stepm(noise + 2.0, 0.05, 500, 3).superior == (0, 1, 2)
    assert stepm(noise - 2.0, 0.05, 500, 3).superior == ()


def test_models_that_do_not_vary_are_never_superior() -> None:
    found = stepm(np.full((50, 2), 0.1), 0.05, 99, 3)
    assert found.superior == ()
    assert math.isnan(found.last_critical_value)
    noise = np.random.default_rng(6).normal(size=(200, 1)) + 1
    assert stepm(np.column_stack([np.full(200, 5.0), noise]), 0.05, 99, 3).superior == (1,)


def test_bits_are_the_same_on_any_number_of_threads() -> None:
    noise = np.random.default_rng(6).normal(size=(200, 5))
    assert stepm(noise, 0.05, 300, 5, seed=4, threads=2) == stepm(noise, 0.05, 300, 5, seed=4)


def test_wrong_input_is_refused() -> None:
    noise = np.random.default_rng(6).normal(size=(20, 5))
    for size in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="size"):
            stepm(noise, size, 10, 2)
    with pytest.raises(ValueError, match="block length"):
        stepm(noise, 0.05, 10, 21)
    with pytest.raises(ValueError, match="observations"):
        stepm(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="equally likely"):
        stepm_exact(noise[:4], 2, "stationary")


@pytest.mark.slow
def test_false_claims_are_as_rare_as_promised_and_edges_are_found() -> None:
    rng = np.random.default_rng(31)
    found = [
        stepm(rng.normal(size=(500, 10)) + 0.3 * (np.arange(10) < 2), 0.05, 499, 3, seed=i).superior for i in range(600)
    ]
    assert 0.02 <= np.mean([any(model >= 2 for model in each) for each in found]) <= 0.09
    assert np.mean([{0, 1} <= set(each) for each in found]) > 0.9
