"""Robustness: how much of a run's Sharpe ratio luck explains, before anybody asks how often it was searched for."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from distill_platform.evaluation.metrics.daily import DailySeries, sharpe_annual
from distill_platform.evaluation.metrics.steps import Floats
from distill_platform.stats import PopulationMoments, bootstrap_prob_sharpe_positive, min_trl, psr_from_moments


def robustness_metrics(daily: DailySeries, shape: PopulationMoments, n_resamples: int) -> dict[str, float]:
    """Return the part of `robustness.*` that a run has by itself, by leaf, for a run with at least one day.

    PSR and track record (variance at the estimate, Bailey and Lopez de Prado 2012, against a ratio of 0) and the
    bootstrap (stationary, block length by Politis and White) are of the net returns of days with steps. The bootstrap's
    seed is a hash of these returns: the same run has the same answer in any order and company. NaN for constant
    returns; the track record also where no length would do.
    """
    ratio = shape.mean / shape.sd if shape.sd > 0.0 else math.nan
    middle = len(daily) // 2
    halves = [sharpe_annual(daily.days[part], daily.net[part]) for part in (slice(middle), slice(middle, None))]
    return {
        "probabilistic_sharpe_ratio": psr_from_moments(ratio, 0.0, shape.n_obs, shape.skew, shape.kurt),
        "bootstrap_p_positive": _bootstrapped(daily.net, n_resamples),
        "min_track_record_days": min_trl(ratio, 0.0, shape.skew, shape.kurt),
        "sharpe_first_half": halves[0],
        "sharpe_second_half": halves[1],
        "sharpe_gap": abs(halves[0] - halves[1]),
    }


def seed_of(series: Floats) -> int:
    """Return a seed that depends on the numbers of a series alone; 0.0 and -0.0 are one number."""
    bits = np.ascontiguousarray(series + 0.0, dtype="<f8").tobytes()
    return int.from_bytes(hashlib.sha256(bits).digest()[:8], "little")


def _bootstrapped(net: Floats, n_resamples: int) -> float:
    if net.max() == net.min():
        return math.nan
    return bootstrap_prob_sharpe_positive(net, n_resamples, seed=seed_of(net))
