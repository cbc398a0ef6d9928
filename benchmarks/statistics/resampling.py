"""Resampling: the bootstrap of a Sharpe ratio, the test of superior ability, the model confidence set, and arch's."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.statistics.contest import Case, Peer, Work, installed
from benchmarks.statistics.limits import ADDITIONS, LOOKUPS
from distill_platform.stats.bootstrap import bootstrap_sharpe
from distill_platform.stats.confidence_set import mcs
from distill_platform.stats.superior import spa

TIMES_BOOTSTRAP = {10: 25.0, 50: 100.0}  # by block length
TIMES_SPA, TIMES_MCS = 40.0, 35.0
_BLOCK = 10

Floats = npt.NDArray[np.float64]


def bootstrap_case(block: int, n_resamples: int = 10_000, n_observations: int = 2_500) -> Case:
    """Return the case of the stationary bootstrap of a Sharpe ratio."""
    returns = np.random.default_rng(3).normal(0.0005, 0.01, n_observations)

    def ours(resamples: int) -> Work:
        return functools.partial(bootstrap_sharpe, returns, resamples, block, "stationary", seed=1)

    arch = installed("arch.bootstrap")
    theirs = arch and functools.partial(_arch_bootstrap, arch, returns, n_resamples, block)
    return Case(
        "bootstrap_sharpe", f"{n_resamples:,} resamples of {n_observations:,} observations, block {block}",
        ours(n_resamples), ours(n_resamples // 10), "resamples",
        [Peer("arch", theirs, TIMES_BOOTSTRAP[block])],
        2 * n_resamples * n_observations / block, LOOKUPS,
    )  # fmt: skip


def spa_case(n_models: int = 100, n_resamples: int = 1_000, n_observations: int = 1_000) -> Case:
    """Return the case of Hansen's test."""
    losses = np.random.default_rng(4).normal(0.0, 1.0, (n_observations, n_models))
    benchmark = np.random.default_rng(5).normal(0.0, 1.0, n_observations)
    diff = benchmark[:, None] - losses

    def ours(resamples: int) -> Work:
        return functools.partial(spa, diff, resamples, _BLOCK, seed=1)

    arch = installed("arch.bootstrap")
    return Case(
        "spa", _size(n_models, n_resamples, n_observations),
        ours(n_resamples), ours(n_resamples // 10), "resamples",
        [Peer("arch", arch and functools.partial(_arch_spa, arch, benchmark, losses, n_resamples), TIMES_SPA)],
        2 * n_resamples * n_models * n_observations / _BLOCK, ADDITIONS,
    )  # fmt: skip


def mcs_case(n_models: int = 50, n_resamples: int = 1_000, n_observations: int = 1_000) -> Case:
    """Return the case of the model confidence set by the range of all pairs."""
    losses = np.random.default_rng(6).normal(0.0, 1.0, (n_observations, n_models))

    def ours(resamples: int) -> Work:
        return functools.partial(mcs, losses, resamples, _BLOCK, seed=1)

    arch = installed("arch.bootstrap")
    sums, pairs = 2 * n_models * n_observations / _BLOCK, 2.5 * n_models**2
    return Case(
        "mcs", _size(n_models, n_resamples, n_observations),
        ours(n_resamples), ours(n_resamples // 10), "resamples",
        [Peer("arch", arch and functools.partial(_arch_mcs, arch, losses, n_resamples), TIMES_MCS)],
        n_resamples * (sums + pairs), ADDITIONS,
    )  # fmt: skip


def _size(n_models: int, n_resamples: int, n_observations: int) -> str:
    return f"{n_models} models, {n_resamples:,} resamples of {n_observations:,} observations, block {_BLOCK}"


def _arch_bootstrap(arch: Any, returns: Floats, n_resamples: int, block: int) -> object:
    unbiased = math.sqrt((len(returns) - 1) / len(returns))
    resamples = arch.StationaryBootstrap(block, returns, seed=1)
    return resamples.apply(lambda drawn: unbiased * drawn.mean() / drawn.std(), n_resamples)


def _arch_spa(arch: Any, benchmark: Floats, losses: Floats, n_resamples: int) -> object:
    test = arch.SPA(benchmark, losses, block_size=_BLOCK, reps=n_resamples, seed=1)
    test.compute()
    return test.pvalues


def _arch_mcs(arch: Any, losses: Floats, n_resamples: int) -> object:
    confidence_set = arch.MCS(losses, size=0.05, reps=n_resamples, block_size=_BLOCK, seed=1)
    confidence_set.compute()
    return confidence_set.pvalues
