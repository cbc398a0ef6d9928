"""Moments: mean, standard deviation, skewness and kurtosis, exact to rounding however small the deviations are.

Two passes: deviations from the mean, and from what rounding left of their own mean. Series are scaled by a power of
two first, which changes no digit and keeps fourth powers from vanishing or overflowing.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from distill_platform.stats.series import NanPolicy, Series, as_series, is_constant


@dataclass(frozen=True, slots=True)
class PopulationMoments:
    """Moments of a series: skewness and raw kurtosis (3 for a normal) divide by n, `sd` by n - ddof."""

    n_obs: int
    mean: float
    sd: float
    skew: float
    kurt: float


class Centred(NamedTuple):
    """A series as mean plus deviations, all in units of 2**exponent; deviations of a constant series are exactly 0."""

    mean: float
    deviations: Series
    exponent: int

    def sd(self, ddof: int) -> float:
        """Return the standard deviation in these units; NaN unless there are more than `ddof` observations."""
        degrees = len(self.deviations) - ddof
        return math.sqrt(float(np.square(self.deviations).sum()) / degrees) if degrees > 0 else math.nan


def moments(returns: Any, *, ddof: int = 1, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> PopulationMoments:
    """Return length, mean, standard deviation, skewness and raw kurtosis of `returns`, shape (T,).

    Skewness is m3 / m2^1.5 and kurtosis m4 / m2^2 with central moments divided by T (Joanes and Gill 1998, g1 and
    b2 = g2 + 3): then kurt >= skew^2 + 1 always. A constant series has a standard deviation of 0 and NaN for both. The
    standard deviation is NaN unless T > `ddof`. O(T).

    Raises ValueError for NaN unless omitted, infinities, no observations and a negative `ddof`.
    """
    centred = centre(observed(returns, nan_policy))
    skew, kurt = _shape(centred.deviations)
    return PopulationMoments(
        n_obs=len(centred.deviations),
        mean=math.ldexp(centred.mean, centred.exponent),
        sd=math.ldexp(centred.sd(check_ddof(ddof)), centred.exponent),
        skew=skew,
        kurt=kurt,
    )


def observed(returns: Any, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> Series:
    """Return `returns` as a series of at least one observation; ValueError where `as_series` raises and for none."""
    series = as_series(returns, nan_policy=nan_policy)
    if len(series) == 0:
        raise ValueError("returns holds no observations; pass at least one")
    return series


def check_ddof(ddof: int) -> int:
    """Return `ddof`, what the standard deviation takes off the number of observations; ValueError if negative."""
    if operator.index(ddof) < 0:
        raise ValueError(f"ddof must not be negative: {ddof}")
    return ddof


def to_unit_scale(series: Series) -> tuple[Series, int]:
    """Return the series in units of 2**exponent, in which nothing is larger than 1, and the exponent."""
    exponent = max(math.frexp(float(np.abs(series).max()))[1], -1000)  # beyond, the factor would be infinite
    return series * math.ldexp(1.0, -exponent), exponent


def centre(series: Series) -> Centred:
    """Return mean and deviations of a series of at least one observation."""
    unit, exponent = to_unit_scale(series)
    if is_constant(unit):
        return Centred(float(unit[0]), np.zeros(len(unit)), exponent)
    mean = unit.mean()
    deviations = unit - mean
    rest = deviations.mean()
    return Centred(float(mean + rest), deviations - rest, exponent)


def _shape(deviations: Series) -> tuple[float, float]:
    """Return skewness and raw kurtosis."""
    squares = np.square(deviations)
    variance = float(squares.mean())
    if variance == 0.0:
        return math.nan, math.nan
    skew = float((squares * deviations).mean()) / (variance * math.sqrt(variance))
    return skew, float(np.square(squares).mean()) / (variance * variance)
