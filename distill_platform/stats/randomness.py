"""Randomness by counter: the same number for the same (seed, resample, draw), in any order and on any thread.

There is no generator and no state to share. A resample has a key of its own; its draws are the SplitMix64 stream that
starts at the key, so draw number d can be had without the draws before it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_ONE = np.uint64(1)


def mix64(seed: int, resample: npt.ArrayLike, draw: npt.ArrayLike) -> Keys:
    """Return 64 random bits for each (seed, resample, draw), broadcast over the last two, as uint64.

    Raises ValueError unless 0 <= seed < 2**64. Steele, Lea and Flood (2014), SplitMix64.
    """
    counter = np.asarray(draw).astype(np.uint64)
    with np.errstate(over="ignore"):
        return _mixed(_keys(seed, np.asarray(resample).astype(np.uint64)) + (counter + _ONE) * GOLDEN)


def resample_keys(seed: int, n_resamples: int) -> Keys:
    """Return the keys of resamples 0..n_resamples-1, shape (n_resamples,): where the stream of draws of each begins.

    Raises ValueError for a seed outside 0..2**64-1 or fewer than one resample.
    """
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, not {n_resamples}")
    return _keys(seed, np.arange(n_resamples, dtype=np.uint64))


def _keys(seed: int, resample: Keys) -> Keys:
    """Seeds are mixed before they meet the resample: neighbouring seeds must not share streams."""
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must lie in 0..2**64-1, not {seed}")
    with np.errstate(over="ignore"):
        return _mixed(_mixed(np.array([seed], np.uint64) + GOLDEN)[0] ^ ((resample + _ONE) * _MIX_1))


def _mixed(bits: Keys) -> Keys:
    bits = (bits ^ (bits >> _SHIFT_1)) * _MIX_1
    bits = (bits ^ (bits >> _SHIFT_2)) * _MIX_2
    return bits ^ (bits >> _SHIFT_3)
