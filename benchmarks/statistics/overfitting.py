"""The probability of backtest overfitting: ours, a plain one in numpy, and those of purgedcv and ffn."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import numpy.typing as npt

from benchmarks.statistics.contest import Case, Peer, Work, installed
from benchmarks.statistics.limits import ADDITIONS
from distill_platform.stats.pbo import pbo_cscv

TIMES_PACKAGES = 1_500.0
_BLOCKS, _BLOCKS_OF_PEERS = 16, 8

Floats = npt.NDArray[np.float64]


def pbo_case(n_strategies: int, n_observations: int = 2_000) -> Case:
    """Return the case of S=16.

    All 12,870 combinations would keep a peer busy for minutes. Theirs cost the same each, whatever S is, as each looks
    at all observations again: peers get S=8, and their 70 combinations count 12,870 / 70 times.
    """
    panel = np.random.default_rng(2).normal(0.0005, 0.01, (n_observations, n_strategies))
    tenth = np.ascontiguousarray(panel[:, : max(2, n_strategies // 10)])
    times = _combinations(_BLOCKS) / _combinations(_BLOCKS_OF_PEERS)
    numpy_work = functools.partial(with_numpy, panel, _BLOCKS_OF_PEERS)
    return Case(
        "pbo_cscv", f"S={_BLOCKS}, {n_strategies:,} strategies x {n_observations:,} observations",
        functools.partial(pbo_cscv, panel, _BLOCKS), functools.partial(pbo_cscv, tenth, _BLOCKS), "strategies",
        [
            Peer("numpy", numpy_work, None, times),
            Peer("purgedcv", _purgedcv(panel), TIMES_PACKAGES, times),
            Peer("ffn", _ffn(panel), TIMES_PACKAGES, times),
        ],
        2 * _combinations(_BLOCKS) * n_strategies, ADDITIONS,
    )  # fmt: skip


def with_numpy(returns: Floats, n_blocks: int) -> float:
    """Return the probability as the paper describes it: every combination computed from its observations."""
    n_strategies = returns.shape[1]
    blocks = np.split(returns[: len(returns) // n_blocks * n_blocks], n_blocks)
    overfit = []
    for chosen in itertools.combinations(range(n_blocks), n_blocks // 2):
        inside = _sharpe(np.concatenate([blocks[block] for block in chosen]))
        outside = _sharpe(np.concatenate([blocks[block] for block in set(range(n_blocks)) - set(chosen)]))
        rank = np.count_nonzero(outside <= outside[np.argmax(inside)])
        overfit.append(2 * rank <= n_strategies + 1)
    return float(np.mean(overfit))


def _sharpe(returns: Floats) -> Floats:
    ratios: Floats = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    return ratios


def _combinations(n_blocks: int) -> int:
    return math.comb(n_blocks, n_blocks // 2)


def _purgedcv(panel: Floats) -> Work | None:
    package = installed("purgedcv")
    by_strategy = np.ascontiguousarray(panel.T)
    return package and functools.partial(package.probability_of_backtest_overfitting, by_strategy, _BLOCKS_OF_PEERS)


def _ffn(panel: Floats) -> Work | None:
    package, pandas = installed("ffn"), installed("pandas")
    return package and functools.partial(
        package.core.calc_prob_backtest_overfitting, pandas.DataFrame(panel), _BLOCKS_OF_PEERS
    )
