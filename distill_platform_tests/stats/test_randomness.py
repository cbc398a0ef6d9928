"""Random numbers depend on (seed, resample, draw) and on nothing else."""

import numpy as np
import pytest

from distill_platform.stats.randomness import mix64, resample_keys

MASK = 2**64 - 1


def splitmix64(state: int) -> int:
    """The finalizer of the published generator, on Python's integers."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def test_the_numbers_of_a_seed_never_change() -> None:
    assert mix64(0, 0, [0, 1, 2]).tolist() == [9166278936093105116, 12392298826975316085, 9470705290659023416]


def test_draws_are_the_splitmix_stream_that_starts_at_the_key() -> None:
    for seed, resample in ((0, 0), (7, 3), (2**64 - 1, 10**9)):
        key = int(
            splitmix64(splitmix64((seed + 0x9E3779B97F4A7C15) & MASK) ^ (((resample + 1) * 0xBF58476D1CE4E5B9) & MASK))
        )
        expected = [splitmix64((key + (draw + 1) * 0x9E3779B97F4A7C15) & MASK) for draw in range(4)]
        assert mix64(seed, resample, np.arange(4)).tolist() == expected
        if resample < 1000:
            assert int(resample_keys(seed, resample + 1)[resample]) == key


def test_a_number_does_not_depend_on_its_neighbours() -> None:
    together = mix64(5, np.arange(50)[:, None], np.arange(20))
    assert together.shape == (50, 20)
    assert int(together[31, 17]) == int(mix64(5, 31, 17).item())
    assert resample_keys(5, 50)[:20].tolist() == resample_keys(5, 20).tolist()


def test_bits_are_balanced_and_unlike_those_of_neighbouring_seeds_and_resamples() -> None:
    numbers = mix64(1, np.arange(200)[:, None], np.arange(200)).ravel()
    assert len(np.unique(numbers)) == 40_000
    bits = np.unpackbits(numbers.view(np.uint8)).reshape(-1, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(40_000)
    for other in (
        mix64(2, np.arange(200)[:, None], np.arange(200)),
        mix64(1, np.arange(1, 201)[:, None], np.arange(200)),
    ):
        differing = np.unpackbits((numbers ^ other.ravel()).view(np.uint8)).mean()
        assert differing == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(40_000 * 64))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_is_64_bits(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        mix64(seed, 0, 0)


def test_there_is_at_least_one_resample() -> None:
    with pytest.raises(ValueError, match="n_resamples"):
        resample_keys(1, 0)
