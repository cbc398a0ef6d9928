"""Value at risk: the loss that is exceeded with a small probability only. Losses are positive, gains negative.

Historical measures take the `confidence` level, parametric ones the probability of the tail, `alpha` = 1 - confidence.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distill_platform.stats.choice import Choice
from distill_platform.stats.cornish_fisher import cornish_fisher_quantile, cornish_fisher_valid
from distill_platform.stats.normal import ppf
from distill_platform.stats.series import NanPolicy, as_series
from distill_platform.stats.tail import check_level, check_moments, tail_size


class QuantileMethod(Choice):
    """Which sample quantile: a loss that occurred, or a point between two of them as numpy and pandas interpolate."""

    LOWER_QUANTILE = "lower_quantile"
    LINEAR = "linear"


def var_historical(
    returns: Any,
    confidence: float = 0.95,
    method: QuantileMethod | str = QuantileMethod.LOWER_QUANTILE,
    *,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> float:
    """Return the value at risk of the sample: a loss per period, positive; negative if even the tail gains.

    `lower_quantile` is the smallest loss that is exceeded with probability 1 - confidence at most, inf{l: F(l) >=
    confidence} (Rockafellar and Uryasev 2002, "Conditional value-at-risk for general loss distributions"):
    of 100 losses at 95 %, the sixth largest. `linear` interpolates between two
    observations as numpy, pandas and most packages do. O(T).

    Raises ValueError for an empty series, NaN unless omitted, infinities, and a level outside (0, 1).
    """
    series = as_series(returns, nan_policy=nan_policy)
    beyond = tail_size(len(series), confidence)
    if len(series) == 0:
        raise ValueError("returns are empty: there is no quantile of nothing")
    if QuantileMethod(method) is QuantileMethod.LINEAR:
        return 0.0 - float(np.quantile(series, float(beyond / len(series))))
    return 0.0 - float(np.partition(series, int(beyond))[int(beyond)])


def var_gaussian(mean: float, sd: float, alpha: float = 0.05) -> float:
    """Return the value at risk of a normal distribution, -mean - sd z with P(Z <= z) = alpha; NaN for a NaN moment.

    Raises ValueError for a negative sd, infinities, and alpha outside (0, 1).
    """
    return var_cornish_fisher(mean, sd, 0.0, 0.0, alpha)


def var_cornish_fisher(mean: float, sd: float, skew: float, excess_kurt: float, alpha: float = 0.05) -> float:
    """Return the value at risk by four moments, -mean - sd z' with z' the expansion at the alpha-quantile.

    NaN where a moment is NaN or the moments lie outside the expansion's domain, see `cornish_fisher_valid`: its value
    there is no quantile. Kurtosis is in excess of 3 (Favre and Galeano 2002).

    Raises ValueError for a negative sd, infinities, and alpha outside (0, 1).
    """
    z = ppf(check_level(alpha, "alpha"))
    if not (check_moments(mean=mean, sd=sd) and cornish_fisher_valid(skew, excess_kurt)):
        return math.nan
    return -mean - sd * cornish_fisher_quantile(z, skew, excess_kurt)
