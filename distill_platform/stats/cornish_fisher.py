"""The Cornish-Fisher expansion: quantiles of a distribution from its first four moments.

The expansion is a cubic polynomial in the normal quantile. Outside its domain it falls somewhere: a smaller probability
gets a smaller loss, and no number that comes out of it is a quantile of anything.
"""

from __future__ import annotations

from distill_platform.stats.tail import check_moments


def cornish_fisher_valid(skew: float, excess_kurt: float) -> bool:
    """Return whether the expansion rises everywhere, so that it gives quantiles; False where a moment is NaN.

    The slope is a parabola in z, a z^2 + b z + c with a = K/8 - S^2/6, b = S/3, c = 1 - K/8 + 5 S^2/36. It never falls
    below 0 if b^2 <= 4 a c (Maillard 2012, "A User's Guide to the Cornish Fisher Expansion") and neither a nor c is
    negative; beyond |S| = 6 (sqrt(2) + 1) the inequality alone lets pass what falls everywhere. Skew and excess
    kurtosis are parameters here: what the expansion describes has these moments only where both are small.
    """
    if not check_moments(skew=skew, excess_kurt=excess_kurt):
        return False
    square = excess_kurt / 8.0 - skew * skew / 6.0
    constant = 1.0 - excess_kurt / 8.0 + 5.0 * skew * skew / 36.0
    return square >= 0.0 and constant >= 0.0 and skew * skew / 9.0 <= 4.0 * square * constant


def cornish_fisher_quantile(z: float, skew: float, excess_kurt: float) -> float:
    """Return the standardized quantile that belongs to the normal quantile z, whether the domain allows it or not.

    z + (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2z^3 - 5z) S^2/36 (Favre and Galeano 2002, "Mean-Modified Value-at-Risk
    Optimization with Hedge Funds").
    """
    return (
        z + (z**2 - 1.0) * skew / 6.0 + (z**3 - 3.0 * z) * excess_kurt / 24.0 - (2.0 * z**3 - 5.0 * z) * skew**2 / 36.0
    )
