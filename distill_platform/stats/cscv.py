"""Combinatorially symmetric cross-validation: each half of time's blocks in sample, the rest out of sample.

Sums over any half of the blocks are one addition away: two tables keep those over all subsets of the first S/2 blocks
and of the last. A combination and its complement exchange their halves, so each half is scored once. Strategies are
neighbours in memory, for the processor's vector units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.stats.series import Panel

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

UNDEFINED = -1e100
"""Stands for a performance that is undefined: below every other."""

_RELATIVE_TIE = 1e-12  # performances this close differ by rounding only
_ABSOLUTE_TIE = 1e-14  # as do those this close around 0, in standard deviations or largest returns
_CANCELLED = 0.01  # a sum of squares this small beside the two it is the difference of has lost digits
_LANES = 8


class Blocks(NamedTuple):
    """S blocks of rows: their sums, sums of squares about their own means, and spreads, of shape (S, N)."""

    length: int
    sums: Floats
    squares: Floats
    spreads: Floats


class Tables(NamedTuple):
    """Sums, and sums of squares about `centers`, over all subsets of the first S/2 blocks and of the last.

    Shapes (2^(S/2), N) and (N,). Row numbers are sets of blocks as bits, the last block being the lowest.
    """

    first_sums: Floats
    last_sums: Floats
    first_squares: Floats
    last_squares: Floats
    centers: Floats


class Flats(NamedTuple):
    """Columns, each with a set of blocks, as bits, over which it is constant: no half of those has a Sharpe ratio."""

    columns: Integers
    masks: Integers


def tabulate(blocks: Blocks) -> Tables:
    """Return the tables of subset sums of the blocks."""
    centers = blocks.sums.mean(axis=0) / blocks.length
    squares = blocks.squares + blocks.length * (blocks.sums / blocks.length - centers) ** 2
    half = len(blocks.sums) // 2
    return Tables(
        first_sums=_subset_sums(blocks.sums[:half]),
        last_sums=_subset_sums(blocks.sums[half:]),
        first_squares=_subset_sums(squares[:half]),
        last_squares=_subset_sums(squares[half:]),
        centers=centers,
    )


def _subset_sums(rows: Floats) -> Floats:
    """Return the sums over all subsets of the rows; the last row is in the subsets with odd numbers."""
    sums = np.zeros((1, rows.shape[1]))
    for row in rows[::-1]:
        sums = np.concatenate([sums, sums + row])
    return sums


def halves_with_first_block(n_blocks: int) -> Integers:
    """Return the sets of half of the blocks, as bits, that hold the first one, in lexicographic order of the blocks."""
    masks = np.arange(2**n_blocks - 1, 2 ** (n_blocks - 1) - 1, -1)
    halves: Integers = masks[np.bitwise_count(masks) == n_blocks // 2]
    return halves


@kernel
def cut(panel: Panel, scales: Floats, n_blocks: int) -> tuple[Floats, Floats, Floats]:
    """Return sums, sums of squares about the mean, and spreads of each block of the scaled panel."""
    length, shape = len(panel) // n_blocks, (n_blocks, panel.shape[1])
    sums, squares, spreads = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for block in range(n_blocks):
        for row in range(block * length, (block + 1) * length):
            for column in range(shape[1]):
                sums[block, column] += panel[row, column] * scales[column]
                distance = abs(panel[row, column] - panel[block * length, column])
                spreads[block, column] = max(spreads[block, column], distance)
        for row in range(block * length, (block + 1) * length):
            for column in range(shape[1]):
                deviation = panel[row, column] * scales[column] - sums[block, column] / length
                squares[block, column] += deviation * deviation
    return sums, squares, spreads


@kernel
def compare(
    masks: Integers, tables: Tables, blocks: Blocks, flats: Flats, is_sharpe: bool
) -> tuple[Integers, Floats, Floats, Floats]:
    """Return the selected column, its rank out of sample, and its performance in and out of sample.

    Row 0 has the combinations of `masks`, row 1 their complements.
    """
    shape = (2, len(masks))
    selected, ranks = np.empty(shape, np.int64), np.empty(shape)
    inside, outside = np.empty(shape), np.empty(shape)
    scores = np.empty((2, len(tables.centers)))
    everything = (1 << len(blocks.sums)) - 1
    degrees = len(blocks.sums) // 2 * blocks.length - 1 if is_sharpe else 1
    for pair, mask in enumerate(masks):
        _score(mask, tables, blocks, flats, is_sharpe, scores[0])
        _score(everything - mask, tables, blocks, flats, is_sharpe, scores[1])
        for side in range(2):
            best = _select(scores[side], degrees)
            selected[side, pair] = best
            ranks[side, pair] = _rank(scores[1 - side], best, degrees)
            inside[side, pair] = _performance(scores[side, best], degrees)
            outside[side, pair] = _performance(scores[1 - side, best], degrees)
    return selected, ranks, inside, outside


@kernel
def _score(mask: int, tables: Tables, blocks: Blocks, flats: Flats, is_sharpe: bool, scores: Floats) -> None:
    """Set the score of every column over a half of the blocks: its squared performance, with the sign, less a factor.

    The square saves a root for each; np.divide because a plain division checks for 0 and keeps the loop from vectors.
    """
    half = len(blocks.sums) // 2
    n, first, last = half * blocks.length, mask >> half, mask & ((1 << half) - 1)
    first_sums, last_sums = tables.first_sums[first], tables.last_sums[last]
    first_squares, last_squares = tables.first_squares[first], tables.last_squares[last]
    one_nth = 1.0 / n
    if not is_sharpe:
        for column in range(len(scores)):
            mean = (first_sums[column] + last_sums[column]) * one_nth
            scores[column] = mean * abs(mean)
        return
    cancelled = 0
    for column in range(len(scores)):
        mean = (first_sums[column] + last_sums[column]) * one_nth
        about_center = first_squares[column] + last_squares[column]
        shift = mean - tables.centers[column]
        squares = about_center - n * shift * shift
        scores[column] = np.divide(mean * abs(mean), squares)
        cancelled += squares < _CANCELLED * about_center
    if cancelled:
        _score_cancelled(mask, tables, blocks, scores)
    for flat in range(len(flats.columns)):
        if mask & ~flats.masks[flat] == 0:
            scores[flats.columns[flat]] = _score_of(UNDEFINED, 1)


@kernel
def _score_cancelled(mask: int, tables: Tables, blocks: Blocks, scores: Floats) -> None:
    """Set the score of every column whose mean is far from its center again, from sums of positive terms only."""
    n_blocks, n_columns = blocks.sums.shape
    half = n_blocks // 2
    first, last = mask >> half, mask & ((1 << half) - 1)
    for column in range(n_columns):
        mean = (tables.first_sums[first, column] + tables.last_sums[last, column]) / (half * blocks.length)
        about_center = tables.first_squares[first, column] + tables.last_squares[last, column]
        shift = mean - tables.centers[column]
        if about_center - half * blocks.length * shift * shift < _CANCELLED * about_center:
            squares = 0.0
            for block in range(n_blocks):
                if mask >> (n_blocks - 1 - block) & 1:
                    between = blocks.sums[block, column] / blocks.length - mean
                    squares += blocks.squares[block, column] + blocks.length * between * between
            scores[column] = mean * abs(mean) / squares if squares > 0.0 else _score_of(UNDEFINED, 1)


@kernel
def _select(scores: Floats, degrees: int) -> int:
    """Return the first column that ties with the best.

    Each lane takes the best of every eighth column: lanes do not wait for one another, as a single maximum does.
    """
    lanes = np.full(_LANES, scores[0])
    whole = len(scores) // _LANES * _LANES
    for start in range(0, whole, _LANES):
        for lane in range(_LANES):
            lanes[lane] = max(lanes[lane], scores[start + lane])
    best = lanes[0]
    for lane in range(_LANES):
        best = max(best, lanes[lane])
    for column in range(whole, len(scores)):
        best = max(best, scores[column])
    low, _ = _tie(best, degrees)
    for column in range(len(scores)):
        if scores[column] >= low:
            return column
    return 0


@kernel
def _rank(scores: Floats, column: int, degrees: int) -> float:
    """Return the rank of a column, 1 for the worst, the mean rank for ties."""
    low, high = _tie(scores[column], degrees)
    below, not_above = 0, 0
    for other in range(len(scores)):
        below += scores[other] < low
        not_above += scores[other] <= high
    return (below + not_above + 1) / 2


@kernel
def _tie(score: float, degrees: int) -> tuple[float, float]:
    """Return the lowest and the highest score that tie with one."""
    performance = _performance(score, degrees)
    tolerance = _RELATIVE_TIE * abs(performance) + _ABSOLUTE_TIE
    return _score_of(performance - tolerance, degrees), _score_of(performance + tolerance, degrees)


@kernel
def _performance(score: float, degrees: int) -> float:
    return math.copysign(math.sqrt(abs(score) * degrees), score)


@kernel
def _score_of(performance: float, degrees: int) -> float:
    return performance * abs(performance) / degrees
