"""The panel: Sharpe ratio, PSR, DSR, drawdown and time under water of many strategies; ours, numpy's and skfolio's."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.statistics.contest import Case, Peer, installed
from benchmarks.statistics.limits import BYTES
from distill_platform.stats.dsr import dsr_benchmark
from distill_platform.stats.panel import panel_statistics

TIMES_NUMPY, TIMES_SKFOLIO = 25.0, 150.0

Floats = npt.NDArray[np.float64]


def panel_case(n_strategies: int = 10_000, n_observations: int = 1_000) -> Case:
    """Return the case of a panel."""
    panel = np.random.default_rng(1).normal(0.0005, 0.01, (n_observations, n_strategies))
    tenth = np.ascontiguousarray(panel[:, : max(2, n_strategies // 10)])
    measures = installed("skfolio.measures")
    return Case(
        "panel_statistics", f"{n_strategies:,} strategies x {n_observations:,} observations",
        functools.partial(panel_statistics, panel), functools.partial(panel_statistics, tenth), "strategies",
        [
            Peer("numpy", functools.partial(with_numpy, panel), TIMES_NUMPY),
            Peer("skfolio", measures and functools.partial(with_skfolio, measures, panel), TIMES_SKFOLIO),
        ],
        2 * panel.nbytes, BYTES,
    )  # fmt: skip


def with_numpy(panel: Floats) -> tuple[Floats, ...]:
    """Return what `panel_statistics` does, computed in vectors, all strategies at once."""
    n = len(panel)
    mean = panel.mean(axis=0)
    centred = panel - mean
    squares = centred * centred
    variance = squares.mean(axis=0)
    sharpe = mean / np.sqrt(variance * n / (n - 1))
    skew = (squares * centred).mean(axis=0) / variance**1.5
    kurt = (squares * squares).mean(axis=0) / variance**2
    scale = np.sqrt((n - 1) / (1 - skew * sharpe + (kurt - 1) / 4 * sharpe**2))
    hurdle = dsr_benchmark(float(sharpe.var(ddof=1)), panel.shape[1])
    psr, dsr = _cdf(sharpe * scale), _cdf((sharpe - hurdle) * scale)
    equity = np.cumprod(1 + panel, axis=0)
    drawdown = equity / np.maximum(np.maximum.accumulate(equity, axis=0), 1) - 1
    return sharpe, psr, dsr, drawdown.min(axis=0), *_under_water(drawdown < 0)


def with_skfolio(measures: Any, panel: Floats) -> tuple[Floats, ...]:
    """Return the same with skfolio's measures, but for the time under water, which it does not have."""
    sharpe = measures.mean(panel) / measures.standard_deviation(panel)
    psr, dsr = measures.probabilistic_sharpe_ratio(panel), measures.deflated_sharpe_ratio(panel, sharpe)
    return sharpe, psr, dsr, -measures.max_drawdown(measures.get_drawdowns(panel, compounded=True))


def _cdf(z: Floats) -> Floats:
    return np.array([0.5 * math.erfc(-value * math.sqrt(0.5)) for value in z.tolist()])


def _under_water(below: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
    """Return the longest, total and current time under water."""
    places = np.arange(1, len(below) + 1)[:, None]
    runs = places - np.maximum.accumulate(np.where(below, 0, places), axis=0)
    return runs.max(axis=0), below.sum(axis=0), runs[-1]
