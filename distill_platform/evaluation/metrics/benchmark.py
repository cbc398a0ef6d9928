"""Benchmark: a run next to what its market did on the same days."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.evaluation.metrics.daily import LARGEST, DailySeries, settled, sharpe_annual
from distill_platform.evaluation.metrics.steps import Floats, Steps
from distill_platform.stats import correlation_matrix, moments


def benchmark_returns(steps: Steps, daily: DailySeries) -> Floats | None:
    """Return the benchmark's compounded return on each day; None if the run has none, or one that is not one."""
    series = steps.benchmark
    if series is None or not len(daily) or not np.isfinite(series).all() or series.min() < -1.0:
        return None
    with np.errstate(over="ignore"):
        growth = np.multiply.reduceat(1.0 + series, daily.first)
    if not growth.max() <= LARGEST:
        return None
    return settled(growth - 1.0, float(daily.n_steps.max()) * float(growth.max()))


def benchmark_metrics(daily: DailySeries, market: Floats | None) -> dict[str, float]:
    """Return `benchmark.*` by leaf; NaN without a benchmark, or where one of the two series does not vary."""
    if market is None:
        return dict.fromkeys(("vs_benchmark_sharpe", "correlation", "beta"), math.nan)
    correlation = float(correlation_matrix(np.column_stack([daily.net, market]))[0, 1])
    spread = moments(market).sd
    return {
        "vs_benchmark_sharpe": sharpe_annual(daily.days, daily.net) - sharpe_annual(daily.days, market),
        "correlation": correlation,
        "beta": correlation * moments(daily.net).sd / spread if spread > 0.0 else math.nan,
    }
