"""Track record: how long one must be before its Sharpe ratio means something."""

from __future__ import annotations

import math

from distill_platform.stats.maxima import MaximumMethod, expected_max_z
from distill_platform.stats.normal import ppf
from distill_platform.stats.psr import sharpe_variance


def min_trl(
    sr: float, sr_benchmark: float = 0.0, skew: float = 0.0, kurt: float = 3.0, confidence: float = 0.95
) -> float:
    """Return the number of observations from which `psr_from_moments` reaches `confidence`; not a whole number.

    1 + (1 - skew sr + (kurt - 1)/4 sr^2) (z / (sr - sr_benchmark))^2, from Bailey and Lopez de Prado 2012, "The Sharpe
    Ratio Efficient Frontier", the MinTRL; both ratios per period, `kurt` raw. Infinity where `sr` is not above the
    benchmark: no length suffices. 1 for a confidence of one half or less, which any length reaches.

    NaN for NaN and for moments that no distribution has. Raises ValueError for a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not at {confidence}")
    variance = sharpe_variance(sr, skew, kurt)
    if math.isnan(variance) or math.isnan(sr_benchmark):
        return math.nan
    if sr <= sr_benchmark:
        return math.inf
    return 1 + variance * (max(ppf(confidence), 0.0) / (sr - sr_benchmark)) ** 2


def min_btl_years(
    n_trials: float, target_sharpe: float = 1.0, method: MaximumMethod | str = MaximumMethod.GUMBEL_APPROX
) -> float:
    """Return the years below which the best of `n_trials` skill-less trials is expected to reach `target_sharpe`.

    (expected_max_z / target_sharpe)^2, `target_sharpe` annualized, from Bailey, Borwein, Lopez de Prado and Zhu 2014,
    "Pseudo-Mathematics and Financial Charlatanism", the MinBTL: 5 years for 45 trials. 0 for one trial.

    Raises ValueError for `n_trials` below 1 and a target that is not positive.
    """
    if not 0 < target_sharpe < math.inf:
        raise ValueError(f"target_sharpe must be positive, not {target_sharpe}")
    return (expected_max_z(n_trials, method) / target_sharpe) ** 2
