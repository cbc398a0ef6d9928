"""Which observations a resample consists of."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.blocks import (
    Scheme,
    block_law,
    circular_block_indices,
    moving_block_indices,
    resample_indices,
    stationary_indices,
)
from distill_platform.stats.randomness import mix64


def test_circular_blocks_wrap_and_the_last_one_is_trimmed() -> None:
    assert circular_block_indices(5, 3, starts=[3, 1]).tolist() == [3, 4, 0, 1, 2]


def test_moving_blocks_end_within_the_sample() -> None:
    assert moving_block_indices(5, 3, starts=[2, 0]).tolist() == [2, 3, 4, 0, 1]
    with pytest.raises(ValueError, match="starts"):
        moving_block_indices(5, 3, starts=[3, 0])


def test_stationary_blocks_have_lengths_of_their_own() -> None:
    assert stationary_indices(6, starts=[4, 2], lengths=[3, 3]).tolist() == [4, 5, 0, 2, 3, 4]
    assert stationary_indices(3, [2], [9]).tolist() == [2, 0, 1]


@pytest.mark.parametrize("block", [0, -1, 6])
def test_a_block_fits_the_sample(block: int) -> None:
    for indices in (circular_block_indices, moving_block_indices):
        with pytest.raises(ValueError, match="block length"):
            indices(5, block)


def test_wrong_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        circular_block_indices(5, 2, starts=[0, 1])
    with pytest.raises(ValueError, match="starts"):
        circular_block_indices(5, 2, starts=[0, 1, 5])
    with pytest.raises(ValueError, match="lengths"):
        stationary_indices(5, [0, 1], [4, 0])
    with pytest.raises(ValueError, match="2 starts and 1 lengths"):
        stationary_indices(5, [0, 1], [5])
    with pytest.raises(ValueError, match="do not fill"):
        stationary_indices(5, [], [])
    with pytest.raises(ValueError, match="at least one observation"):
        stationary_indices(0, [0], [1])
    with pytest.raises(ValueError, match="whole"):
        block_law(10, 2.5, "circular")
    with pytest.raises(ValueError, match="jackknife"):
        block_law(10, 2, "jackknife")


def test_one_observation_is_its_own_resample() -> None:
    for scheme in Scheme:
        assert resample_indices(1, 1, scheme).tolist() == [0]


def test_a_block_as_long_as_the_sample_rotates_it() -> None:
    found = circular_block_indices(7, 7, seed=3)
    assert found.tolist() == [(int(found[0]) + offset) % 7 for offset in range(7)]
    assert moving_block_indices(7, 7, seed=3).tolist() == list(range(7))


@given(
    T=st.integers(1, 60),
    share=st.floats(0, 1),
    scheme=st.sampled_from(Scheme),
    seed=st.integers(0, 2**64 - 1),
    resample=st.integers(0, 10**6),
)
def test_a_resample_has_t_observations_of_the_sample(
    T: int,  # noqa: N803
    share: float,
    scheme: Scheme,
    seed: int,
    resample: int,
) -> None:
    block = 1 + int(share * (T - 1))
    found = resample_indices(T, block, scheme, seed=seed, resample=resample)
    assert found.shape == (T,)
    assert found.min() >= 0
    assert found.max() < T
    steps = np.diff(found)
    if scheme is Scheme.MOVING:
        assert np.all(np.delete(steps, np.s_[block - 1 :: block]) == 1)
    elif scheme is Scheme.CIRCULAR:
        assert np.all(np.delete(steps, np.s_[block - 1 :: block]) % T == 1 % T)


def test_drawn_indices_of_a_scheme_are_those_of_every_procedure() -> None:
    assert np.array_equal(
        circular_block_indices(9, 2, seed=4, resample=5), resample_indices(9, 2, "circular", seed=4, resample=5)
    )
    assert np.array_equal(
        moving_block_indices(9, 2, seed=4, resample=5), resample_indices(9, 2, "moving", seed=4, resample=5)
    )


@pytest.mark.parametrize("mean_length", [1, 2, 10, 50])
def test_lengths_are_geometric_to_32_bits(mean_length: int) -> None:
    law = block_law(2500, mean_length)
    go_on = 1 - Fraction(1, mean_length)
    for length, threshold in enumerate(law.thresholds.tolist()[:-1], start=1):
        assert abs(Fraction(threshold, 2**32) - (1 - go_on**length)) <= Fraction(1, 2**32)
    assert law.thresholds[-1] == 2**32
    assert go_on ** len(law.thresholds) < Fraction(1, 2**32)


def test_drawn_blocks_have_the_mean_length_and_any_start() -> None:
    law, bits = block_law(1000, 10), mix64(1, 0, np.arange(200_000))
    lengths, starts = law.lengths(bits), law.starts(bits)
    assert lengths.mean() == pytest.approx(10, abs=5 * np.sqrt(90 / 200_000))
    assert np.mean(lengths == 1) == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / 200_000))
    assert starts.mean() == pytest.approx(499.5, abs=5 * 1000 / np.sqrt(12 * 200_000))
    assert (starts.min(), starts.max()) == (0, 999)
    assert abs(np.corrcoef(lengths, starts)[0, 1]) < 5 / np.sqrt(200_000)


def test_a_start_or_a_length_that_is_not_whole_is_refused_and_not_cut_off() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        circular_block_indices(5, 3, [1.5, 2.0])
    with pytest.raises(ValueError, match="whole numbers"):
        stationary_indices(6, [4, 2], [3.7, 3.0])
