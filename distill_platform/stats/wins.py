"""Wins: how often a strategy gains, how much then, and how its gains compare with its losses, tails included."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.stats.moments import observed
from distill_platform.stats.series import NanPolicy

_TAIL = 0.05


@dataclass(frozen=True, slots=True)
class WinStatistics:
    """Gains and losses of a series of returns per period; a loss is a negative number.

    `win_rate` is the share of gains among periods that gain or lose. `payoff_ratio` is the average win over the average
    loss, `profit_factor` all wins over all losses, `gain_to_pain` all returns over all losses, each a positive number
    where something is gained. `tail_ratio` is the 95 % quantile over the loss at the 5 % quantile, and `tail_skew` is
    how far the two lie from the median: from -1, all loss, to 1 (Hinkley 1975). `longest_losing_streak` counts
    consecutive losses; a period at 0 ends a streak.
    """

    n_obs: int
    n_wins: int
    n_losses: int
    win_rate: float
    average_win: float
    average_loss: float
    payoff_ratio: float
    profit_factor: float
    gain_to_pain: float
    tail_ratio: float
    tail_skew: float
    longest_losing_streak: int


def win_statistics(returns: Any, *, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> WinStatistics:
    """Return win and tail statistics of `returns`, shape (T,).

    Whatever would divide by nothing is NaN: averages without a win or a loss, ratios without a loss, the tail ratio
    unless the 5 % quantile is a loss. Quantiles are interpolated linearly (Hyndman and Fan 1996, type 7). O(T).

    Raises ValueError for NaN unless omitted, infinities, and no observations.
    """
    series = observed(returns, nan_policy)
    wins, losses = series[series > 0.0], series[series < 0.0]
    gained, lost = float(wins.sum()), -float(losses.sum())
    average_win, average_loss = _ratio(gained, len(wins)), -_ratio(lost, len(losses))
    low, middle, high = np.quantile(series, (_TAIL, 0.5, 1.0 - _TAIL)).tolist()
    return WinStatistics(
        n_obs=len(series),
        n_wins=len(wins),
        n_losses=len(losses),
        win_rate=_ratio(len(wins), len(wins) + len(losses)),
        average_win=average_win,
        average_loss=average_loss,
        payoff_ratio=_ratio(average_win, -average_loss),
        profit_factor=_ratio(gained, lost),
        gain_to_pain=_ratio(float(series.sum()), lost),
        tail_ratio=_ratio(high, -low),
        tail_skew=_ratio((high - middle) - (middle - low), high - low),
        longest_losing_streak=_longest_run(series < 0.0),
    )


def gain_to_pain(returns: Any, *, nan_policy: NanPolicy | str = NanPolicy.RAISE) -> float:
    """Return the sum of `returns`, shape (T,), over the sum of losses as a positive number (Schwager 2012).

    It is the profit factor minus 1. NaN without losses, which a young or idle strategy may have. O(T).

    Raises ValueError for NaN unless omitted, infinities, and no observations.
    """
    series = observed(returns, nan_policy)
    return _ratio(float(series.sum()), -float(series[series < 0.0].sum()))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0.0 else math.nan


def _longest_run(flags: npt.NDArray[np.bool_]) -> int:
    ends = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))
