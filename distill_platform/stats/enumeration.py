"""Enumeration: all resamples of a small sample, so that a bootstrap needs no luck.

Exact answers for samples of half a dozen observations: the truth that Monte Carlo answers are tested against.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from distill_platform.stats.blocks import Scheme, check_block_length
from distill_platform.stats.series import Panel

MOST_RESAMPLES = 2_000_000


def enumerated_means(panel: Panel, block: int, scheme: Scheme | str) -> Panel:
    """Return the column means of every resample in blocks of fixed length, all equally likely, shape (n, K).

    n is the number of possible starts to the power of the number of blocks. Raises ValueError for more than two
    million resamples, block > T, and for the stationary scheme, whose resamples differ in probability.
    """
    if Scheme(scheme) is Scheme.STATIONARY:
        raise ValueError("resamples of the stationary scheme are not equally likely; enumerate circular or moving ones")
    T = len(panel)  # noqa: N806
    check_block_length(T, block, scheme)
    n_starts = T if Scheme(scheme) is Scheme.CIRCULAR else T - block + 1
    n_blocks = math.ceil(T / block)
    _check_size(n_starts, n_blocks)
    lengths = [min(block, T - done) for done in range(0, T, block)]
    wrapped = np.concatenate([panel, panel])
    sums = np.zeros((1, panel.shape[1]))
    for length in lengths:
        block_sums = np.array([wrapped[start : start + length].sum(axis=0) for start in range(n_starts)])
        sums = _sums_of_all(sums, block_sums)
    return sums / T


def enumerated_stationary_means(
    panel: Panel, mean_block: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the column means of all T**T sequences of observations, (n, K), and their probabilities, (n,).

    After each observation a resample goes on to the next one, or with probability 1 / mean_block to any (Politis &
    Romano 1994, section 2). Raises ValueError for more than two million sequences (T > 7) or mean_block outside 1..T.
    """
    T = len(panel)  # noqa: N806
    check_block_length(T, mean_block, Scheme.STATIONARY)
    _check_size(T, T)
    sums, last, probability = panel, np.arange(T), np.full(T, 1.0 / T)
    step = np.full((T, T), 1.0 / (mean_block * T))
    step[np.arange(T), (np.arange(T) + 1) % T] += 1.0 - 1.0 / mean_block
    for _ in range(T - 1):
        sums = _sums_of_all(sums, panel)
        probability = (probability[:, None] * step[last]).reshape(-1)
        last = np.tile(np.arange(T), len(last))
    return sums / T, probability


def _sums_of_all(left: Panel, right: Panel) -> Panel:
    """The sum of each row of one with each row of the other."""
    return (left[:, None, :] + right[None, :, :]).reshape(len(left) * len(right), left.shape[1])


def _check_size(choices: int, times: int) -> None:
    if choices**times > MOST_RESAMPLES:
        raise ValueError(f"{choices}**{times} resamples are too many to enumerate; use the Monte Carlo procedure")
