"""The tail of a distribution: what of it lies beyond a level of confidence."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

_LARGEST_DENOMINATOR = 10**9


def check_level(level: float, name: str) -> float:
    """Return `level` as a float; raises ValueError unless it lies inside (0, 1)."""
    level = float(level)
    if not 0.0 < level < 1.0:
        raise ValueError(f"{name} must lie inside (0, 1), not be {level}")
    return level


def tail_size(n: int, confidence: float) -> Fraction:
    """Return (1 - confidence) * n, how many of n observations lie in the tail, as an exact fraction.

    In floats, (1 - 0.95) * 100 is more than 5 and (1 - 0.9) * 10 less than 1: the quantile would be off by one. Hence
    the level is the fraction with at most nine digits below the line that is nearest to the float: 0.95 is 19/20.
    """
    return _tail(check_level(confidence, "confidence")) * n


@functools.lru_cache(maxsize=64)  # few levels are in use, and finding the fraction costs more than the quantile
def _tail(confidence: float) -> Fraction:
    exact = Fraction(confidence)
    level = exact.limit_denominator(_LARGEST_DENOMINATOR)
    return 1 - (level if 0 < level < 1 else exact)


def check_moments(**moments: float) -> bool:
    """Return whether no moment is NaN; raises ValueError for infinities and a negative `sd`."""
    for name, moment in moments.items():
        if math.isinf(moment) or (name == "sd" and moment < 0.0):
            raise ValueError(f"{name} must be finite{' and not negative' if name == 'sd' else ''}, not {moment}")
    return not any(math.isnan(moment) for moment in moments.values())
