"""The standard normal distribution, exact to rounding far into both tails.

Probabilities of the upper tail come from functions of their own (`sf`, `isf`): 1 - cdf would be 0 beyond 8.3 standard
deviations, where the truth is 1e-16, and beyond 18, where it is 1e-74.
"""

from __future__ import annotations

import math
from statistics import NormalDist

EULER_GAMMA = 0.57721566490153286061
_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_REST = -4.833646656726457e-17  # what rounding took from the square root of a half
_SPLIT = 134_217_729.0  # 2**27 + 1 cuts a float into two halves whose products are exact (Dekker 1971)
_HALF_HIGH = _SQRT_HALF * _SPLIT - (_SQRT_HALF * _SPLIT - _SQRT_HALF)
_HALF_LOW = _SQRT_HALF - _HALF_HIGH
_FARTHEST = 40.0  # beyond, the tail is 0 in floats
_SQRT_TWO_PI = math.sqrt(2.0 * math.pi)
_NORMAL = NormalDist()


def pdf(z: float) -> float:
    """Return the density at z; NaN for NaN."""
    return math.exp(-0.5 * z * z) / _SQRT_TWO_PI


def cdf(z: float) -> float:
    """Return P(Z <= z), with full relative accuracy in the lower tail (to 1e-308); NaN for NaN."""
    return 0.5 * _erfc_scaled(-z)


def sf(z: float) -> float:
    """Return P(Z > z), with full relative accuracy in the upper tail (to 1e-308); NaN for NaN."""
    return 0.5 * _erfc_scaled(z)


def ppf(probability: float) -> float:
    """Return z with P(Z <= z) = probability: -inf at 0, inf at 1, NaN for NaN (Wichura 1988, AS 241).

    Raises ValueError outside [0, 1].
    """
    if math.isnan(probability):
        return math.nan
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"probability must lie in [0, 1], not {probability}")
    if probability in (0.0, 1.0):
        return math.copysign(math.inf, probability - 0.5)
    return _NORMAL.inv_cdf(probability)


def isf(probability: float) -> float:
    """Return z with P(Z > z) = probability, accurate for tiny probabilities; see `ppf`."""
    return -ppf(probability)


def _erfc_scaled(z: float) -> float:
    """Return erfc(z / sqrt(2)).

    Far out, erfc changes by 2 x dx in relative terms, so the rounding of x = z / sqrt(2) would show: it is worked out
    exactly, and its effect is added to first order.
    """
    x = z * _SQRT_HALF
    if not abs(z) < _FARTHEST:
        return math.erfc(x)
    high = z * _SPLIT - (z * _SPLIT - z)
    low = z - high
    missing = (high * _HALF_HIGH - x) + high * _HALF_LOW + low * _HALF_HIGH + low * _HALF_LOW + z * _SQRT_HALF_REST
    return math.erfc(x) - 2.0 / math.sqrt(math.pi) * math.exp(-x * x) * missing
