"""Expected shortfall: the mean loss in the tail that begins at the value at risk. Losses are positive, gains negative.

Also known as conditional value at risk, CVaR. It is never smaller than the value at risk at the same level.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distill_platform.stats.cornish_fisher import cornish_fisher_valid
from distill_platform.stats.normal import pdf, ppf
from distill_platform.stats.series import NanPolicy, as_series
from distill_platform.stats.tail import check_level, check_moments, tail_size


def es_historical(returns: Any, confidence: float = 0.95, *, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> float:
    """Return the mean of the worst k = (1 - confidence) T losses, positive; k need not be whole.

    The observation at the edge counts with the fraction of it that belongs to the tail (Rockafellar and Uryasev 2002,
    "Conditional value-at-risk for general loss distributions", Proposition 8): with k = 1.5, the worst and half of the
    second. Below one observation in the tail, it is the largest loss. O(T).

    Raises ValueError for an empty series, NaN unless omitted, infinities, and a level outside (0, 1).
    """
    series = as_series(returns, nan_policy=nan_policy)
    if len(series) == 0:
        raise ValueError("returns are empty: there is no tail of nothing")
    size = tail_size(len(series), confidence)
    whole = int(size)
    losses = 0.0 - np.partition(series, whole)[: whole + 1]
    shortfall = (math.fsum(losses[:whole]) + float(size - whole) * losses[whole]) / float(size)
    # Rounding must not carry the mean of losses beyond the smallest or the largest of them.
    return float(np.clip(shortfall, losses[whole], losses.max()))


def es_gaussian(mean: float, sd: float, alpha: float = 0.05) -> float:
    """Return the expected shortfall of a normal distribution, -mean + sd pdf(z) / alpha; NaN for a NaN moment.

    Raises ValueError for a negative sd, infinities, and alpha outside (0, 1).
    """
    return es_cornish_fisher(mean, sd, 0.0, 0.0, alpha)


def es_cornish_fisher(mean: float, sd: float, skew: float, excess_kurt: float, alpha: float = 0.05) -> float:
    """Return the expected shortfall by four moments: the mean of the Cornish-Fisher quantiles below alpha, negated.

    -mean + sd pdf(z) / alpha [1 + z S/6 + (z^2 - 1) K/24 - (2 z^2 - 1) S^2/36] with P(Z <= z) = alpha, the integral in
    closed form. NaN where a moment is NaN or outside the expansion's domain, see `cornish_fisher_valid`. Kurtosis is in
    excess of 3.

    Raises ValueError for a negative sd, infinities, and alpha outside (0, 1).
    """
    z = ppf(check_level(alpha, "alpha"))
    if not (check_moments(mean=mean, sd=sd) and cornish_fisher_valid(skew, excess_kurt)):
        return math.nan
    shape = 1.0 + z * skew / 6.0 + (z * z - 1.0) * excess_kurt / 24.0 - (2.0 * z * z - 1.0) * skew * skew / 36.0
    return -mean + sd * pdf(z) / alpha * shape
