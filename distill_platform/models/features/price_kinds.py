"""Features of prices: how far they have come, where they stand in their range, and how they got there."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.models.features.kind import FeatureGroup, feature_kind
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.windows import (
    ratio,
    shifted,
    window_fall,
    window_max,
    window_mean,
    window_sum,
)
from distill_platform.strategies.bars import Panel

_BARS = FeatureGroup.BARS


@feature_kind("log", _BARS, lambda window: window + 1)
def log_return(seen: Observed, window: int) -> Panel:
    """Return the log of the close less the log of the close `window` bars before."""
    return seen.log_close - shifted(seen.log_close, window)


@feature_kind("log per bar", _BARS, lambda window: window + 1)
def realized_volatility(seen: Observed, window: int) -> Panel:
    """Return the root mean square of the log returns of `window` bars.

    Andersen and Bollerslev (1998), without the mean, which is small beside the noise of its estimate.
    """
    return np.sqrt(seen.windowed_squared_returns(window).mean)


@feature_kind("ratio", _BARS, lambda short, long: long + 1)
def volatility_ratio(seen: Observed, short: int, long: int) -> Panel:
    """Return realized volatility over `short` bars by that over `long` bars, less 1; NaN where nothing moved."""
    return ratio(realized_volatility(seen, short), realized_volatility(seen, long)) - 1.0


@feature_kind("standard deviations", _BARS, lambda window: window + 1)
def scaled_momentum(seen: Observed, window: int) -> Panel:
    """Return the log return over `window` bars in standard deviations (ddof=1) of such a return; NaN if none.

    Moskowitz, Ooi and Pedersen (2012), with the trailing deviation of one-bar returns times sqrt(window).
    """
    return ratio(log_return(seen, window), seen.windowed_returns(window).spread * math.sqrt(window))


@feature_kind("log", _BARS, lambda window: window)
def high_distance(seen: Observed, window: int) -> Panel:
    """Return the log of the close less the log of the highest high of `window` bars, at most 0."""
    return seen.log_close - window_max(seen.log_high, window)


@feature_kind("log", _BARS, lambda window: window)
def low_distance(seen: Observed, window: int) -> Panel:
    """Return the log of the close less the log of the lowest low of `window` bars, at least 0."""
    return seen.log_close + window_max(-seen.log_low, window)


@feature_kind("fraction", _BARS, lambda window: window + 1)
def relative_strength(seen: Observed, window: int) -> Panel:
    """Return the sum of rises by the sum of rises and falls of log prices over `window` bars, less 0.5; NaN if none.

    Wilder's RSI (1978) on plain sums, after Cutler: a recursive average has no beginning, so no bounded lookback.
    """
    rises = window_sum(np.maximum(seen.returns, 0.0), window)
    return ratio(rises, window_sum(np.abs(seen.returns), window)) - 0.5


@feature_kind("log per bar", _BARS, lambda window: window)
def parkinson_volatility(seen: Observed, window: int) -> Panel:
    """Return sqrt(mean(ln(high / low)^2) / (4 ln 2)) over `window` bars. Parkinson (1980)."""
    span = seen.log_high - seen.log_low
    return np.sqrt(window_mean(span * span, window) / (4.0 * math.log(2.0)))


@feature_kind("log per bar", _BARS, lambda window: window)
def garman_klass_volatility(seen: Observed, window: int) -> Panel:
    """Return sqrt(mean(ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2)) over `window` bars.

    Garman and Klass (1980). NaN where the mean is negative: opens and closes outside their bars.
    """
    span, body = seen.log_high - seen.log_low, seen.log_close - seen.log_open
    variance = window_mean(0.5 * span * span - (2.0 * math.log(2.0) - 1.0) * body * body, window)
    return np.sqrt(np.where(variance >= 0.0, variance, math.nan))


@feature_kind("correlation", _BARS, lambda window: window + 2)
def return_autocorrelation(seen: Observed, window: int) -> Panel:
    """Return the correlation of `window` log returns with those of one bar before; NaN where they do not vary."""
    return seen.windowed_returns(window).autocorrelation()


@feature_kind("skewness", _BARS, lambda window: window + 1)
def return_skewness(seen: Observed, window: int) -> Panel:
    """Return the population skewness of `window` log returns; NaN where they do not vary."""
    return seen.windowed_returns(window).skewness


@feature_kind("log", _BARS, lambda window: window)
def drawdown(seen: Observed, window: int) -> Panel:
    """Return the deepest fall of the log of the close from a peak within `window` bars, at least 0."""
    return window_fall(seen.log_close, window)
