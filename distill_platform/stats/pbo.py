"""The probability of backtest overfitting: how often the best strategy of one half of time is mediocre in the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.stats.choice import Choice
from distill_platform.stats.cscv import UNDEFINED, Blocks, Flats, compare, cut, halves_with_first_block, tabulate
from distill_platform.stats.series import Panel, as_panel
from distill_platform.stats.threads import in_chunks

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MOST_BLOCKS = 24  # 2,704,156 combinations


class Metric(Choice):
    """What makes a strategy the best one."""

    SHARPE = "sharpe"
    MEAN = "mean"


class Constant(Choice):
    """What to do with a strategy that is constant over a half of time: refuse it, or rank it last in that half."""

    RAISE = "raise"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class PboResult:
    """What became of the strategy selected in sample, over all combinations.

    `pbo` is the share of logits <= 0 (`count_overfit`), `count_strictly_below` counts those < 0. `degradation_slope` is
    the least-squares slope of the out-of-sample on the in-sample performance of the selected strategies, NaN if one is
    undefined or the latter all equal; `probability_of_loss` the share whose out-of-sample performance is not >= 0.

    Arrays have one element for each combination, in lexicographic order of the in-sample blocks: the column `selected`,
    its performance in both halves (NaN where undefined), its out-of-sample `ranks` (1 is worst, N best, ties share
    their mean rank), `omega` = rank / (N + 1) and `logits` = log(omega / (1 - omega)).
    """

    pbo: float
    count_overfit: int
    count_strictly_below: int
    n_combos: int
    n_observations: int
    n_strategies: int
    degradation_slope: float
    probability_of_loss: float
    logits: Floats = field(repr=False)
    omega: Floats = field(repr=False)
    ranks: Floats = field(repr=False)
    selected: Integers = field(repr=False)
    is_performance: Floats = field(repr=False)
    oos_performance: Floats = field(repr=False)


def pbo_cscv(
    returns: Any,
    S: int = 16,  # noqa: N803 - its name in the literature
    metric: Metric | str = Metric.SHARPE,
    *,
    constant: Constant | str = Constant.RAISE,
    threads: int = 1,
) -> PboResult:
    """Return how often the best of N strategies in sample is at or below the median out of sample (CSCV).

    From Bailey, Borwein, Lopez de Prado and Zhu 2017, "The Probability of Backtest Overfitting". `returns`
    holds all strategies tried, shape (T, N), oldest row first. Time is cut into `S` blocks of T // S rows; the last
    T % S rows are dropped. A performance is the Sharpe ratio (per period, ddof=1) or the mean. Performances that differ
    by 1e-12 or less, relatively, tie: in sample the first column is selected, out of sample the rank is shared.

    A column that is constant over some half of the blocks has no Sharpe ratio there; `constant` says what to do.
    The result is the same to the bit for any number of `threads`. O(T N + C(S, S/2) N) time, O(2^(S/2) N) memory.

    Raises ValueError for NaN, infinity, fewer than two strategies, halves of fewer than two rows, an `S` that is odd or
    outside 2 to 24, and a constant column unless it is to be ranked last.
    """
    panel, is_sharpe, constant = as_panel(returns), Metric(metric) is Metric.SHARPE, Constant(constant)
    n_blocks = _check_shape(panel, S)
    scales = _scales(panel, is_sharpe)
    blocks = Blocks(len(panel) // n_blocks, *cut(panel, scales, n_blocks))
    flats = _flats(panel, blocks, constant) if is_sharpe else _as_flats([])
    tables, masks = tabulate(blocks), halves_with_first_block(n_blocks)
    chunks = in_chunks(lambda chunk: compare(masks[chunk], tables, blocks, flats, is_sharpe), len(masks), threads)
    selected, ranks, *performances = (_in_order(arrays) for arrays in zip(*chunks, strict=True))
    inside, outside = (_defined(performance, 1.0 if is_sharpe else scales[0]) for performance in performances)
    return _result(panel.shape[1], blocks.length * n_blocks, selected, ranks, inside, outside)


def _check_shape(panel: Panel, n_blocks: int) -> int:
    n_rows, n_strategies = panel.shape
    if n_blocks not in range(2, _MOST_BLOCKS + 1, 2):
        raise ValueError(f"S must be an even number of blocks from 2 to {_MOST_BLOCKS}, not {n_blocks}")
    if n_strategies < 2:
        raise ValueError(f"returns must hold at least two strategies to choose from, not {n_strategies}")
    if n_rows < max(n_blocks, 4):
        raise ValueError(f"returns has {n_rows} rows; {n_blocks} blocks need at least {max(n_blocks, 4)}")
    return int(n_blocks)


def _scales(panel: Panel, by_column: bool) -> Floats:
    """Return powers of two that bring the largest return, of each column or of all, below 1: squares are then safe."""
    largest = np.abs(panel).max(axis=0)
    _, exponents = np.frexp(largest if by_column else np.full_like(largest, largest.max()))
    scales: Floats = np.exp2(np.minimum(-exponents, 1023))
    return scales


def _flats(panel: Panel, blocks: Blocks, constant: Constant) -> Flats:
    """Return where columns are constant over S/2 or more blocks; raise ValueError if they are to be refused."""
    half, flat = len(blocks.sums) // 2, blocks.spreads == 0
    first_rows = panel[: 2 * half * blocks.length : blocks.length]
    found = []
    for column in np.flatnonzero(flat.sum(axis=0) >= half).tolist():
        for value in np.unique(first_rows[flat[:, column], column]):
            members = flat[:, column] & (first_rows[:, column] == value)
            if members.sum() >= half:
                found.append((column, int("".join("01"[member] for member in members.tolist()), 2)))
    if found and constant is Constant.RAISE:
        raise ValueError(
            f"column {found[0][0]} of returns is constant over half of the blocks and has no Sharpe ratio there; "
            "drop it, or pass constant='worst'"
        )
    return _as_flats(found)


def _as_flats(found: list[tuple[int, int]]) -> Flats:
    columns, masks = np.array(found, dtype=np.int64).reshape(-1, 2).T.copy()
    return Flats(columns, masks)


def _in_order(chunks: tuple[npt.NDArray[Any], ...]) -> npt.NDArray[Any]:
    """Return chunks of combinations and complements as one array; complements come last, in reverse."""
    combinations, complements = np.concatenate(chunks, axis=1)
    return np.concatenate([combinations, complements[::-1]])


def _defined(performance: Floats, scale: float) -> Floats:
    return np.where(performance > UNDEFINED / 2, performance / scale, np.nan)


def _result(
    n_strategies: int, n_observations: int, selected: Integers, ranks: Floats, inside: Floats, outside: Floats
) -> PboResult:
    omega = ranks / (n_strategies + 1)
    count_overfit = int(np.count_nonzero(2 * ranks <= n_strategies + 1))
    return PboResult(
        pbo=count_overfit / len(ranks),
        count_overfit=count_overfit,
        count_strictly_below=int(np.count_nonzero(2 * ranks < n_strategies + 1)),
        n_combos=len(ranks),
        n_observations=n_observations,
        n_strategies=n_strategies,
        degradation_slope=_slope(inside, outside),
        probability_of_loss=float(np.mean(~(outside >= 0))),
        logits=np.log(omega / (1 - omega)),
        omega=omega,
        ranks=ranks,
        selected=selected,
        is_performance=inside,
        oos_performance=outside,
    )


def _slope(inside: Floats, outside: Floats) -> float:
    if inside.max() == inside.min():
        return math.nan
    centered = inside - inside.mean()
    return float((centered * outside).sum() / (centered * centered).sum())
