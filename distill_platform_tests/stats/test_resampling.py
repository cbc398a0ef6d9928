"""Resampled means: those of the observations drawn, to the same bits however they are computed."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.blocks import Scheme, resample_indices
from distill_platform.stats.resampling import ALGORITHM_VERSION, Resampling, resampled_deviations
from distill_platform.stats.threads import in_chunks

PANEL = np.random.default_rng(1).normal(0.001, 0.02, (250, 70))

DIGEST = """
import hashlib
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from distill_platform.stats.resampling import Resampling, resampled_deviations
panel = np.random.default_rng(1).normal(0.001, 0.02, (250, 70))
def digest(threads):
    found = resampled_deviations(panel, Resampling(7, 300, 8.0, "stationary"), threads)
    return hashlib.sha256(found.tobytes()).hexdigest()
with ThreadPoolExecutor(6) as executor:
    print(*sorted(set(executor.map(digest, [1, 2, 1, 2, 3, 1]))))
"""


def digest(threads: int) -> str:
    found = resampled_deviations(PANEL, Resampling(7, 300, 8.0, Scheme.STATIONARY), threads)
    return hashlib.sha256(found.tobytes()).hexdigest()


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("block_length", [1, 3, 10, 250])
def test_a_row_is_the_mean_of_the_observations_drawn(scheme: Scheme, block_length: int) -> None:
    found = resampled_deviations(PANEL, Resampling(9, 40, block_length, scheme))
    for resample in range(40):
        drawn = resample_indices(250, block_length, scheme, seed=9, resample=resample)
        expected = PANEL[drawn].mean(axis=0) - PANEL.mean(axis=0)
        np.testing.assert_allclose(found[resample], expected, rtol=0, atol=1e-16)


def test_large_levels_lose_no_digits() -> None:
    plan = Resampling(1, 50, 5.0, Scheme.STATIONARY)
    steps = np.round(PANEL[:, :3] * 2**20) / 2**20
    np.testing.assert_allclose(
        resampled_deviations(steps + 2.0**20, plan), resampled_deviations(steps, plan), atol=1e-11
    )


def test_bits_are_the_same_on_any_number_of_threads() -> None:
    assert {digest(threads) for threads in (1, 2, 3, 7)} == {digest(1)}


def test_bits_are_the_same_when_several_python_threads_ask_at_once() -> None:
    with ThreadPoolExecutor(6) as executor:
        assert set(executor.map(digest, [1, 2, 1, 2, 3, 1])) == {digest(1)}


def test_bits_are_the_same_in_another_process_whose_threads_all_compile_first() -> None:
    done = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [digest(1)]


def test_a_resample_does_not_depend_on_how_many_there_are() -> None:
    few, many = (resampled_deviations(PANEL, Resampling(7, n, 8.0, Scheme.CIRCULAR)) for n in (10, 100))
    assert np.array_equal(few, many[:10])


def test_a_column_does_not_depend_on_its_neighbours() -> None:
    plan = Resampling(7, 20, 8.0, Scheme.STATIONARY)
    together = resampled_deviations(PANEL, plan)
    assert np.array_equal(resampled_deviations(PANEL[:, [65]].copy(), plan), together[:, [65]])
    assert np.array_equal(resampled_deviations(PANEL[:, ::-1].copy(), plan), together[:, ::-1])


@given(st.integers(0, 30), st.integers(1, 9))
def test_chunks_cover_everything_once_and_in_order(n_outputs: int, threads: int) -> None:
    chunks = in_chunks(lambda chunk: list(range(n_outputs))[chunk], n_outputs, threads)
    assert [item for chunk in chunks for item in chunk] == list(range(n_outputs))
    assert len(chunks) <= threads


def test_there_is_at_least_one_thread() -> None:
    with pytest.raises(ValueError, match="threads"):
        in_chunks(lambda chunk: chunk, 3, 0)


def test_an_error_in_a_thread_is_the_caller_s() -> None:
    with pytest.raises(ZeroDivisionError):
        in_chunks(lambda chunk: 1 // chunk.start, 2, 2)


def test_provenance_prints_what_is_needed_to_repeat_it() -> None:
    plan = Resampling(7, 300, 8.0, Scheme.STATIONARY)
    assert plan.algorithm_version == ALGORITHM_VERSION
    assert all(word in repr(plan) for word in ("seed=7", "n_resamples=300", "block_length=8.0", "algorithm_version"))
