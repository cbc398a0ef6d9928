"""The Sharpe ratio: mean over standard deviation of returns, how uncertain it is, and how it moves through time.

Returns are those in excess of what the money would have earned elsewhere. A series that does not vary has no Sharpe
ratio: rounding would make it 1e16, which passes any gate.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distill_platform.core.kernel import kernel
from distill_platform.stats.moments import centre, check_ddof, moments, observed, to_unit_scale
from distill_platform.stats.normal import isf
from distill_platform.stats.psr import sharpe_variance
from distill_platform.stats.series import NanPolicy, Series


@dataclass(frozen=True, slots=True)
class SharpeInterval:
    """A Sharpe ratio, its standard error, and the bounds that hold the true ratio with probability `confidence`."""

    sharpe: float
    standard_error: float
    lower: float
    upper: float
    confidence: float
    n_obs: int

    def annualized(self, periods_per_year: float) -> SharpeInterval:
        """Return the interval of the annualized ratio: a short record is no less uncertain by the year."""
        factor = annual_factor(periods_per_year)
        return replace(
            self,
            sharpe=self.sharpe * factor,
            standard_error=self.standard_error * factor,
            lower=self.lower * factor,
            upper=self.upper * factor,
        )


def sharpe(returns: Any, *, ddof: int = 1, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> float:
    """Return the Sharpe ratio per period of `returns`, shape (T,): mean / standard deviation (Sharpe 1994).

    NaN for a constant series (largest = smallest) and unless T > `ddof`. O(T).

    Raises ValueError for NaN unless omitted, infinities, no observations and a negative `ddof`.
    """
    centred = centre(observed(returns, nan_policy))
    deviation = centred.sd(check_ddof(ddof))
    return centred.mean / deviation if deviation > 0.0 else math.nan


def sharpe_annualized(
    returns: Any, periods_per_year: float, ddof: int = 1, *, nan_policy: NanPolicy | str = NanPolicy.RAISE
) -> float:
    """Return the Sharpe ratio by the year, `sharpe` * sqrt(periods_per_year).

    It holds for uncorrelated returns: a first autocorrelation of 0.2 makes the true one about a fifth smaller (Lo 2002,
    "The Statistics of Sharpe Ratios"). NaN and errors: `sharpe`; ValueError unless `periods_per_year` is positive.
    """
    return sharpe(returns, ddof=ddof, nan_policy=nan_policy) * annual_factor(periods_per_year)


def annual_factor(periods_per_year: float) -> float:
    """Return sqrt(periods_per_year); ValueError unless it is positive and finite."""
    if not 0.0 < periods_per_year < math.inf:
        raise ValueError(f"periods_per_year must be positive and finite, not {periods_per_year}")
    return math.sqrt(periods_per_year)


def sharpe_standard_error(returns: Any, *, ddof: int = 1, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> float:
    """Return the standard error of the Sharpe ratio per period of `returns`, shape (T,).

    See `sharpe_standard_error_from_moments`; skewness and kurtosis are those of the population. NaN where `sharpe` is,
    and for two values that occur in such shares that the ratio has no first-order variance. O(T). Errors: `sharpe`.
    """
    return sharpe_standard_error_from_moments(*_estimate(returns, ddof, nan_policy))


def sharpe_standard_error_from_moments(sr: float, n_obs: float, skew: float = 0.0, kurt: float = 3.0) -> float:
    """Return the standard error of a Sharpe ratio of `n_obs` observations; both are per period.

    sqrt((1 - skew sr + (kurt - 1)/4 sr^2) / (n_obs - 1)), `kurt` raw: Mertens 2002, "Variance of the IID estimator in
    Lo (2002)"; with n_obs - 1 as in Bailey and Lopez de Prado 2012, so that `psr` is the probability of its t-value.
    Without skewness and kurtosis it is that of a normal (Lo 2002). Returns are taken as independent.

    NaN for NaN, fewer than two observations and moments that no distribution has. Raises ValueError for negative
    `n_obs`.
    """
    if n_obs < 0:
        raise ValueError(f"n_obs must not be negative, but is {n_obs}")
    return math.sqrt(sharpe_variance(sr, skew, kurt) / (n_obs - 1)) if n_obs >= 2 else math.nan


def sharpe_confidence_interval(
    returns: Any, confidence: float = 0.95, *, ddof: int = 1, nan_policy: NanPolicy | str = NanPolicy.RAISE
) -> SharpeInterval:
    """Return the Sharpe ratio per period of `returns`, shape (T,), with a two-sided interval around it.

    sharpe -+ z standard errors, z the normal quantile: asymptotic, too narrow for some ten observations. Bounds are NaN
    where the standard error is. O(T). Raises ValueError for a confidence outside (0, 1), and as `sharpe` does.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not at {confidence}")
    ratio, n_obs, skew, kurt = _estimate(returns, ddof, nan_policy)
    error = sharpe_standard_error_from_moments(ratio, n_obs, skew, kurt)
    reach = isf((1.0 - confidence) / 2.0) * error
    return SharpeInterval(ratio, error, ratio - reach, ratio + reach, confidence, n_obs)


def rolling_sharpe(returns: Any, window: int, ddof: int = 1) -> Series:
    """Return the Sharpe ratio per period of the last `window` returns at each of T periods, shape (T,).

    NaN before the first full window, where a window is constant, and unless `window` > `ddof`. Windows are put together
    from two halves (Chan, Golub and LeVeque 1983), nothing is ever taken out of a running sum: what has left the window
    leaves no trace. A window whose returns are 1e-150 of the largest of the series counts as constant. O(T) for any
    window.

    Raises ValueError for a window below 1, a negative `ddof`, NaN, infinities and no observations.
    """
    if operator.index(window) < 1:
        raise ValueError(f"window must be at least 1, not {window}")
    unit, _ = to_unit_scale(observed(returns))
    ratios = np.full(len(unit), math.nan)
    if check_ddof(ddof) < window <= len(unit):
        _fill_rolling(unit, window, ddof, ratios)
    return ratios


def _estimate(returns: Any, ddof: int, nan_policy: NanPolicy | str) -> tuple[float, int, float, float]:
    """Return what a standard error depends on: Sharpe ratio, number of observations, skewness and raw kurtosis."""
    found = moments(returns, ddof=ddof, nan_policy=nan_policy)
    return found.mean / found.sd if found.sd > 0.0 else math.nan, found.n_obs, found.skew, found.kurt


@kernel
def _fill_rolling(series: Series, window: int, ddof: int, ratios: Series) -> None:
    """Cut the series into blocks: a window is the end of one block and the beginning of the next.

    Deviations are from the first observation of that next block. It lies in every such window, so they are no larger
    than the window's own spread, and exactly 0 in a constant one.
    """
    means, squares = np.zeros(window), np.zeros(window)  # at k: of the last k observations of the block before
    for start in range(0, len(series), window):
        anchor = series[start]
        mean = square = 0.0
        for count in range(1, window if start else 1):
            deviation = series[start - count] - anchor
            change = deviation - mean
            mean += change / count
            square += change * (deviation - mean)
            means[count], squares[count] = mean, square
        mean = square = 0.0
        for count in range(1, min(window, len(series) - start) + 1):
            deviation = series[start + count - 1] - anchor
            change = deviation - mean
            mean += change / count
            square += change * (deviation - mean)
            before = window - count
            gap = means[before] - mean
            spread = square + squares[before] + gap * gap * (before * count / window)
            if spread > 0.0 and start + count >= window:
                centre = anchor + mean + gap * (before / window)
                ratios[start + count - 1] = centre / math.sqrt(spread / (window - ddof))
