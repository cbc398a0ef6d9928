"""Repeats: a stretch of history that stands twice in one run, which makes a short record look like a long one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.steps import Floats, Integers, Steps

Hashes = npt.NDArray[np.uint64]

_DOUBLINGS = 6
_BLOCK = 2**_DOUBLINGS
_VARIED = 60  # different returns that a block must hold: an alternating series repeats itself, but adds no history
_MOST_CANDIDATES = 64
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def repeated_block(steps: Steps) -> tuple[int, int] | None:
    """Return two positions from which the same block of 64 returns begins, gross and net to the bit; None if none does.

    Only steps count that differ from the step before, so that idle and constant stretches are no repetition, and only
    blocks of at least 60 different returns. O(T log T).
    """
    moves = np.flatnonzero(_is_move(steps))
    if len(moves) < 2 * _BLOCK:
        return None
    gross, net = steps.gross[moves], steps.net[moves]
    for one, other in _candidates(_block_hashes(gross, net)):
        here, there = slice(one, one + _BLOCK), slice(other, other + _BLOCK)
        same = np.array_equal(gross[here], gross[there]) and np.array_equal(net[here], net[there])
        if same and len(np.unique(gross[here])) >= _VARIED:
            return int(moves[one]), int(moves[other])
    return None


def _is_move(steps: Steps) -> npt.NDArray[np.bool_]:
    moves: npt.NDArray[np.bool_] = (np.diff(steps.gross, prepend=0.0) != 0.0) & (steps.gross != 0.0)
    return moves


def _block_hashes(gross: Floats, net: Floats) -> Hashes:
    """Return a hash of each block of 64 consecutive steps, put together from those of its halves."""
    hashes = (gross + 0.0).view(np.uint64) * _MIX
    hashes = (hashes ^ (hashes >> _SHIFT)) + (net + 0.0).view(np.uint64)
    for doubling in range(_DOUBLINGS):
        reach = 2**doubling
        hashes = hashes * _MIX
        hashes = hashes ^ (hashes >> _SHIFT)
        hashes = hashes[:-reach] * _MIX + hashes[reach:]
    return hashes


def _candidates(hashes: Hashes) -> list[tuple[int, int]]:
    """Return pairs of blocks with one hash, some 64 of them spread over the series: repetition rarely comes alone."""
    ordered = np.sort(hashes)
    if (ordered[1:] != ordered[:-1]).all():
        return []
    order = np.argsort(hashes, kind="stable")  # several times dearer, and hardly ever needed
    again: Integers = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
    chosen = again[:: max(1, len(again) // _MOST_CANDIDATES)]
    return [(int(order[place]), int(order[place + 1])) for place in chosen]
