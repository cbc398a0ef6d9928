"""Costs: how much trading may cost before a strategy is not worth trading.

Costs are basis points (1e-4) of what is traded: net return = gross return - turnover * cost_bps / 1e4, per period.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distill_platform.stats.residue import is_residue
from distill_platform.stats.series import Series, as_series
from distill_platform.stats.sharpe import sharpe

_BPS = 1e-4


def cost_stress_sharpe(gross: Any, turnover: Any, cost_bps: Any) -> Series:
    """Return the Sharpe ratio per period of net returns, sample standard deviation, at each level of `cost_bps`.

    `gross` and `turnover`, traded value over equity, have shape (T,). NaN where net returns do not vary (by more than
    their rounding) and below two observations. O(T) for each level.

    Raises ValueError for lengths that differ, empty series, negative turnover or costs, NaN and infinities.
    """
    gross, turnover = _traded(gross, turnover)
    costs = as_series(np.atleast_1d(np.asarray(cost_bps)), name="cost_bps")
    if (costs < 0.0).any():
        raise ValueError(f"cost_bps must not be negative: {costs.min()}")
    return np.array([_net_sharpe(gross, turnover * (level * _BPS)) for level in costs])


def breakeven_cost_bps(gross: Any, turnover: Any) -> float:
    """Return the cost in basis points at which nothing is left, sum of gross returns / sum of turnover * 1e4.

    Negative if even gross returns lose. NaN if nothing was traded: not trading is no way to withstand costs. O(T).

    Raises ValueError for lengths that differ, empty series, negative turnover, NaN and infinities.
    """
    gross, turnover = _traded(gross, turnover)
    traded = math.fsum(turnover)
    return math.fsum(gross) / traded / _BPS if traded > 0.0 else math.nan


def _net_sharpe(gross: Series, paid: Series) -> float:
    net = gross - paid
    if is_residue(net, float(np.abs(gross).max() + paid.max())):
        return math.nan
    return sharpe(net)


def _traded(gross: Any, turnover: Any) -> tuple[Series, Series]:
    gross, turnover = as_series(gross, name="gross"), as_series(turnover, name="turnover")
    if len(gross) == 0 or len(gross) != len(turnover):
        raise ValueError(f"gross and turnover must have one length, and not 0: {len(gross)} and {len(turnover)}")
    if (turnover < 0.0).any():
        raise ValueError(f"turnover must not be negative: it is {turnover.min()} at {int(np.argmin(turnover))}")
    return gross, turnover
