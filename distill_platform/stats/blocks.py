"""Blocks: which observations a block bootstrap puts into a resample.

A resample strings blocks of consecutive observations together until it has T of them; the last block is trimmed.
Circular (Politis & Romano 1992): fixed length, any start, the end of the sample continues at its beginning.
Moving (Künsch 1989): fixed length, only starts whose block ends within the sample.
Stationary (Politis & Romano 1994): any start, wraps, geometric lengths of a given mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.stats.choice import Choice
from distill_platform.stats.randomness import Keys, mix64

Indices = npt.NDArray[np.int64]

GUIDE_BITS = 12
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_LENGTHS_THAT_MATTER = 23  # in mean lengths: exp(-23) < 2**-32, the smallest probability that 32 bits can show


class Scheme(Choice):
    """How blocks are drawn."""

    STATIONARY = "stationary"
    CIRCULAR = "circular"
    MOVING = "moving"


@dataclass(frozen=True, slots=True, eq=False)
class BlockLaw:
    """How one random 64-bit number becomes a block: the start from its high half, the length from its low half.

    The length is `shortest` + the number of thresholds that the low half has reached; the last is 2**32. `guide` holds
    that number for each value of the leading GUIDE_BITS, where a search may begin. Both are exact to 2**-32.
    """

    n_observations: int
    n_starts: int
    shortest: int
    thresholds: Keys
    guide: Indices

    def starts(self, bits: Keys) -> Indices:
        """Return the first observation of each block."""
        return (((bits >> _HALF) * np.uint64(self.n_starts)) >> _HALF).astype(np.int64)

    def lengths(self, bits: Keys) -> Indices:
        """Return the length of each block, T at most."""
        reached = np.searchsorted(self.thresholds, bits & _LOW, side="right")
        return np.minimum(self.shortest + reached, self.n_observations)


def block_law(T: int, block_length: float, scheme: Scheme | str = Scheme.STATIONARY) -> BlockLaw:  # noqa: N803
    """Return how blocks of a sample of T observations are drawn; `block_length` is the mean one for stationary.

    Raises ValueError unless 1 <= block_length <= T, and for a fixed length that is not whole. Costs O(block_length).
    """
    scheme = Scheme(scheme)
    check_block_length(T, block_length, scheme)
    whole = np.array([1 << 32], dtype=np.uint64)
    if scheme is Scheme.STATIONARY:
        thresholds = np.concatenate([_geometric_thresholds(T, block_length), whole])
        shortest = 1
    else:
        thresholds, shortest = whole, int(block_length)
    n_starts = T - shortest + 1 if scheme is Scheme.MOVING else T
    leading = np.arange(1 << GUIDE_BITS, dtype=np.uint64) << np.uint64(32 - GUIDE_BITS)
    guide = np.searchsorted(thresholds, leading, side="right").astype(np.int64)
    return BlockLaw(T, n_starts, shortest, thresholds, guide)


def check_block_length(T: int, block_length: float, scheme: Scheme | str) -> None:  # noqa: N803
    """Raise ValueError for a block that T observations cannot fill."""
    if T < 1:
        raise ValueError("a resample needs at least one observation")
    if not 1 <= block_length <= T:
        raise ValueError(f"block length must lie in 1..{T}, the number of observations, not {block_length}")
    if Scheme(scheme) is not Scheme.STATIONARY and block_length != int(block_length):
        raise ValueError(f"blocks of the {scheme} scheme have a whole length, not {block_length}")


def circular_block_indices(
    T: int,  # noqa: N803
    block: int,
    starts: npt.ArrayLike | None = None,
    *,
    seed: int = 0,
    resample: int = 0,
) -> Indices:
    """Return the T observations of one circular resample: blocks from `starts`, or drawn if there are none.

    Raises ValueError for block > T, starts outside 0..T-1, or too few of them.
    """
    check_block_length(T, block, Scheme.CIRCULAR)
    if starts is None:
        return resample_indices(T, block, Scheme.CIRCULAR, seed=seed, resample=resample)
    return _joined(T, _checked_starts(starts, T), np.full(np.size(starts), block, dtype=np.int64))


def moving_block_indices(
    T: int,  # noqa: N803
    block: int,
    starts: npt.ArrayLike | None = None,
    *,
    seed: int = 0,
    resample: int = 0,
) -> Indices:
    """Return the T observations of one moving block resample; see `circular_block_indices`. Starts end at T-block."""
    check_block_length(T, block, Scheme.MOVING)
    if starts is None:
        return resample_indices(T, block, Scheme.MOVING, seed=seed, resample=resample)
    return _joined(T, _checked_starts(starts, T - block + 1), np.full(np.size(starts), block, dtype=np.int64))


def stationary_indices(T: int, starts: npt.ArrayLike, lengths: npt.ArrayLike) -> Indices:  # noqa: N803
    """Return the T observations of the stationary resample with these blocks, which wrap and are trimmed to T.

    Raises ValueError for starts outside 0..T-1, lengths below 1, or blocks that do not fill T.
    """
    check_block_length(T, 1, Scheme.STATIONARY)
    ends = np.asarray(lengths, dtype=np.int64)
    if ends.ndim != 1 or np.any((ends < 1) | (ends != np.asarray(lengths))):
        raise ValueError(f"lengths must be whole numbers of at least 1, not {lengths!r}")
    return _joined(T, _checked_starts(starts, T), ends)


def resample_indices(
    T: int,  # noqa: N803
    block_length: float,
    scheme: Scheme | str = Scheme.STATIONARY,
    *,
    seed: int = 0,
    resample: int = 0,
) -> Indices:
    """Return the T observations that resample number `resample` of every procedure with this provenance consists of."""
    law = block_law(T, block_length, scheme)
    bits = mix64(seed, resample, np.arange(math.ceil(T / law.shortest)))
    return _joined(T, law.starts(bits), law.lengths(bits))


def _geometric_thresholds(T: int, mean_length: float) -> Keys:  # noqa: N803
    """P(length <= k) for k = 1, 2, ..., in units of 2**-32; a block longer than T is as good as one of T."""
    if mean_length == 1:
        return np.empty(0, dtype=np.uint64)
    lengths = np.arange(1, min(T, math.ceil(_LENGTHS_THAT_MATTER * mean_length)))
    probability = -np.expm1(lengths * math.log1p(-1.0 / mean_length))
    thresholds: Keys = np.rint(probability * 2.0**32).astype(np.uint64)
    return thresholds


def _checked_starts(starts: npt.ArrayLike, n_starts: int) -> Indices:
    found = np.asarray(starts, dtype=np.int64)
    if found.ndim != 1 or np.any((found < 0) | (found >= n_starts) | (found != np.asarray(starts))):
        raise ValueError(f"starts must be a list of whole numbers in 0..{n_starts - 1}, not {starts!r}")
    return found


def _joined(T: int, starts: Indices, lengths: Indices) -> Indices:  # noqa: N803
    if len(starts) != len(lengths):
        raise ValueError(f"there are {len(starts)} starts and {len(lengths)} lengths")
    ends = np.cumsum(lengths)
    if len(ends) == 0 or ends[-1] < T:
        raise ValueError(f"{len(starts)} blocks do not fill {T} observations; give more of them")
    offsets = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    indices: Indices = ((np.repeat(starts, lengths) + offsets) % T)[:T]
    return indices
