"""The probabilistic Sharpe ratio: how sure a track record makes us that the true Sharpe ratio beats a benchmark.

Two forms are in use, and differ on the same data (0.9127 and 0.9872 for the hedge fund index of the first paper):
`psr_from_moments` takes the variance of the Sharpe ratio at its estimate, `psr_null_variance` at the benchmark.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from distill_platform.stats.choice import Choice
from distill_platform.stats.moments import moments as population_moments
from distill_platform.stats.normal import cdf
from distill_platform.stats.series import NanPolicy

_ROUNDING = 1e-12  # what may be left of 0 by rounding, relative to terms of order 1


class Moments(Choice):
    """How skewness and kurtosis are estimated: divided by n, or corrected for bias as pandas does."""

    POPULATION = "population"
    SAMPLE = "sample"


class SharpeMoments(NamedTuple):
    """What the distribution of a Sharpe ratio depends on: per-period ratio, length, skewness and raw kurtosis."""

    sr: float
    n_obs: int
    skew: float
    kurt: float


def psr(
    returns: Any,
    sr_benchmark: float = 0.0,
    *,
    ddof: int = 1,
    moments: Moments | str = Moments.POPULATION,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> float:
    """Return the probability that the true Sharpe ratio of `returns` is above `sr_benchmark` (both per period).

    See `psr_from_moments`. `ddof` is that of the standard deviation in the Sharpe ratio; with "population" moments the
    variance of the ratio cannot be negative, with "sample" ones it can. NaN for a constant series, fewer than two
    observations (four with "sample" moments). O(T). Raises ValueError for NaN unless omitted, infinities and no
    observations at all.
    """
    return psr_from_moments(sr_benchmark=sr_benchmark, **sharpe_moments(returns, ddof, moments, nan_policy)._asdict())


def psr_from_moments(sr: float, sr_benchmark: float, n_obs: float, skew: float, kurt: float) -> float:
    """Return the probability that the true Sharpe ratio is above `sr_benchmark`, with the variance at the estimate.

    cdf((sr - sr_benchmark) sqrt(n_obs - 1) / sqrt(1 - skew sr + (kurt - 1)/4 sr^2)), from Bailey and Lopez de Prado
    2012, "The Sharpe Ratio Efficient Frontier", the PSR; both ratios per period, `kurt` raw (3 for a normal). Far below
    the benchmark it is small, not 0: 1e-74 at 18 standard errors.

    NaN for NaN, fewer than two observations, and moments that no distribution has (kurt < skew^2 + 1).
    Raises ValueError for negative `n_obs`.
    """
    return _probability(sr - sr_benchmark, _check_length(n_obs) - 1, sharpe_variance(sr, skew, kurt))


def psr_null_variance(sr: float, sr_benchmark: float, n_obs: float, skew: float, kurt: float) -> float:
    """Return the probability that the true Sharpe ratio is above `sr_benchmark`, with the variance under the null.

    cdf((sr - sr_benchmark) sqrt(n_obs) / sqrt(1 - skew sr_benchmark + (kurt - 1)/4 sr_benchmark^2)), from Lopez de
    Prado, Lipton and Zoonekynd 2025, "How to Use the Sharpe Ratio": 1 minus it is a p-value for the null that the true
    ratio is the benchmark. At a benchmark of 0 skewness and kurtosis play no part. NaN and errors: `psr_from_moments`.
    """
    return _probability(sr - sr_benchmark, _check_length(n_obs), sharpe_variance(sr_benchmark, skew, kurt))


def sharpe_variance(sr: float, skew: float, kurt: float) -> float:
    """Return the asymptotic variance of a per-period Sharpe ratio, times the number of observations (Mertens 2002).

    1 - skew sr + (kurt - 1)/4 sr^2. NaN where no distribution has such moments, or where the variance vanishes.
    """
    if not kurt >= skew * skew + 1 - _ROUNDING * kurt:
        return math.nan
    variance = 1 - skew * sr + (kurt - 1) / 4 * sr * sr
    return variance if variance > _ROUNDING else math.nan


def sharpe_moments(
    returns: Any,
    ddof: int = 1,
    moments: Moments | str = Moments.POPULATION,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> SharpeMoments:
    """Return the moments of a series that its PSR depends on; NaN where it is constant or too short for them."""
    found = population_moments(returns, ddof=ddof, nan_policy=nan_policy)
    skew, kurt = found.skew, found.kurt
    if Moments(moments) is Moments.SAMPLE:
        skew, kurt = _without_bias(skew, kurt, found.n_obs)
    return SharpeMoments(found.mean / found.sd if found.sd > 0 else math.nan, found.n_obs, skew, kurt)


def _without_bias(skew: float, kurt: float, n: int) -> tuple[float, float]:
    """Return G1 and raw G2 of Joanes and Gill (1998), which are without bias for a normal."""
    if n < 4:
        return math.nan, math.nan
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (kurt - 3) + 6)
    return skew * math.sqrt(n * (n - 1)) / (n - 2), excess + 3


def _check_length(n_obs: float) -> float:
    if n_obs < 0:
        raise ValueError(f"n_obs must not be negative, but is {n_obs}")
    return n_obs if n_obs >= 2 else math.nan


def _probability(difference: float, n_obs: float, variance: float) -> float:
    return cdf(difference * math.sqrt(n_obs) / math.sqrt(variance))
