"""Resampling: means of a panel over block bootstrap resamples, in time proportional to the number of blocks.

A block's sum is the difference of two prefix sums, so a resample of T observations in blocks of L costs O(T / L), not
O(T). Columns are centred first: prefix sums of deviations stay small and lose no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.stats.blocks import GUIDE_BITS, BlockLaw, Scheme, block_law
from distill_platform.stats.randomness import Keys, resample_keys
from distill_platform.stats.series import Panel
from distill_platform.stats.threads import in_chunks

ALGORITHM_VERSION = 1

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_LEADING = np.uint64(32 - GUIDE_BITS)
_TILE = 64  # columns whose prefix sums are looked up together: those of 2,500 observations fit into a core's cache


@dataclass(frozen=True, slots=True)
class Resampling:
    """Where a randomized result comes from: with the same data, this is enough to compute it again to the bit."""

    seed: int
    n_resamples: int
    block_length: float
    scheme: Scheme
    algorithm_version: int = ALGORITHM_VERSION


def resampled_deviations(panel: Panel, resampling: Resampling, threads: int = 1) -> npt.NDArray[np.float64]:
    """Return the mean of each resample minus the mean of the sample, shape (n_resamples, K), for a (T, K) panel.

    Row b depends on the seed and b only. Costs O(n_resamples * T / block_length * K) time and the memory of 64 columns.
    Raises ValueError for a block length outside 1..T.
    """
    law = block_law(len(panel), resampling.block_length, resampling.scheme)
    keys = resample_keys(resampling.seed, resampling.n_resamples)
    means = column_means(panel)
    sums = np.zeros((resampling.n_resamples, panel.shape[1]))
    for tile in (slice(first, first + _TILE) for first in range(0, panel.shape[1], _TILE)):
        prefix = np.zeros((len(panel) + 1, len(means[tile])))
        _fill_prefix(panel[:, tile], means[tile], prefix)
        _add(law, keys, prefix, sums[:, tile], threads)
    sums /= len(panel)
    return sums


def column_means(panel: Panel) -> npt.NDArray[np.float64]:
    """Return the means of the columns, shape (K,), each the same to the bit whatever columns are beside it."""
    means: npt.NDArray[np.float64] = np.ascontiguousarray(panel.T).mean(axis=1)
    return means


def _add(law: BlockLaw, keys: Keys, prefix: Panel, sums: Panel, threads: int) -> None:
    def add(chunk: slice) -> None:
        _add_blocks(prefix, keys[chunk], np.uint64(law.n_starts), law.shortest, law.thresholds, law.guide, sums[chunk])

    in_chunks(add, len(keys), threads)


@kernel
def _fill_prefix(panel: Panel, means: npt.NDArray[np.float64], prefix: Panel) -> None:
    for time in range(len(panel)):
        for column in range(panel.shape[1]):
            prefix[time + 1, column] = prefix[time, column] + (panel[time, column] - means[column])


@kernel
def _add_blocks(
    prefix: Panel,
    keys: Keys,
    n_starts: np.uint64,
    shortest: int,
    thresholds: Keys,
    guide: npt.NDArray[np.int64],
    sums: Panel,
) -> None:
    n_observations = len(prefix) - 1
    n_columns = prefix.shape[1]
    row = np.empty(n_columns)
    for resample in range(len(keys)):
        state = keys[resample]
        row[:] = -prefix[n_observations]  # the sample's own sum: not quite 0, for its mean was rounded
        left = n_observations
        while left > 0:
            state += _GOLDEN
            start, length = _block(state, n_starts, shortest, thresholds, guide)
            end = start + min(length, left)
            left -= length
            if end > n_observations:
                end -= n_observations
                for column in range(n_columns):
                    row[column] += prefix[n_observations, column]
            for column in range(n_columns):
                row[column] += prefix[end, column] - prefix[start, column]
        sums[resample] = row


@kernel
def _block(
    state: np.uint64, n_starts: np.uint64, shortest: int, thresholds: Keys, guide: npt.NDArray[np.int64]
) -> tuple[np.int64, int]:
    """Start and length of the block that the next random number stands for, as `BlockLaw` says."""
    bits = (state ^ (state >> _SHIFT_1)) * _MIX_1
    bits = (bits ^ (bits >> _SHIFT_2)) * _MIX_2
    bits = bits ^ (bits >> _SHIFT_3)
    low = bits & _LOW
    reached = guide[low >> _LEADING]
    while low >= thresholds[reached]:
        reached += 1
    return np.int64(((bits >> _HALF) * n_starts) >> _HALF), shortest + reached
