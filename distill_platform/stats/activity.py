"""Activity: whether a series of returns shows a strategy at work, or only that nothing happened.

A strategy that does not trade has no drawdown, no losses and no risk. Without these flags it would pass every limit.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_platform.stats.moments import moments, observed
from distill_platform.stats.series import NanPolicy, is_constant


@dataclass(frozen=True, slots=True)
class Activity:
    """How much a series moves, and why that may be too little to judge it; `volatility` is per period.

    A volatility that is not known, of a single observation, counts as below the floor.
    """

    n_obs: int
    n_active: int
    zero_share: float
    volatility: float
    is_constant: bool
    is_below_floor: bool
    has_too_few_active: bool

    @property
    def is_active(self) -> bool:
        """Return whether no flag is up: only then do small losses say that there is little risk."""
        return not (self.is_constant or self.is_below_floor or self.has_too_few_active)


def activity(
    returns: Any,
    volatility_floor: float = 1e-6,
    min_active: int = 30,
    *,
    nan_policy: NanPolicy | str = NanPolicy.RAISE,
) -> Activity:
    """Return how active `returns`, shape (T,), are: periods whose return is not 0, and volatility against a floor.

    The volatility is the sample standard deviation per period, the floor a hundredth of a basis point per period unless
    given; at the floor is enough. A constant series is inactive even if its return is not 0. O(T).

    Raises ValueError for NaN unless omitted, infinities, no observations, a floor or `min_active` that is negative.
    """
    if not 0.0 <= volatility_floor < math.inf or operator.index(min_active) < 0:
        raise ValueError(f"floors must not be negative: volatility {volatility_floor}, active periods {min_active}")
    series = observed(returns, nan_policy)
    volatility, n_active = moments(series).sd, int(np.count_nonzero(series))
    return Activity(
        n_obs=len(series),
        n_active=n_active,
        zero_share=(len(series) - n_active) / len(series),
        volatility=volatility,
        is_constant=is_constant(series),
        is_below_floor=not volatility >= volatility_floor,
        has_too_few_active=n_active < min_active,
    )
