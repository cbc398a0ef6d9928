"""Sample: how much history and how many trades there are to judge a run by, and how fresh they are."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.evaluation.metrics.daily import DAYS_PER_YEAR, DailySeries, Days
from distill_platform.evaluation.metrics.steps import Integers, Steps
from distill_platform.stats import Activity
from distill_platform.strategies.bundles.bundle import Bundle

_LONGEST_BREAK = 10  # days: a Chinese New Year; longer, and there was no history in between
_SELDOM = 0.1  # of the days of the busiest weekday: what has fewer is no day of this calendar


def sample_metrics(bundle: Bundle, steps: Steps, daily: DailySeries, moved: Activity) -> dict[str, float | bool]:
    """Return `sample.*` by leaf for a run with at least one day.

    The number of trades is that of the trades table, NaN without one: the number of steps says nothing about it. The
    lag is from the end of the last step to the run's own `as_of`, NaN if that comes first.
    """
    years = effective_days(daily.days) / DAYS_PER_YEAR
    trades = float(bundle.trades.num_rows) if bundle.trades is not None else math.nan
    return {
        "effective_history_years": years,
        "observation_days": len(daily),
        "n_trades_total": trades,
        "n_trades_per_year": trades / years,
        "vol_floor_applied": moved.is_below_floor,
        "data_coverage": coverage(daily.days, daily.n_steps),
    }


def effective_days(days: Days) -> int:
    """Return the days from the first to the last, both included, without breaks in the record.

    A break is longer than ten days and three times the usual distance from one day with steps to the next: ten years
    between two months of trading are no history.
    """
    distances = np.diff(days).astype(np.int64)
    if not len(distances):
        return 1
    longest = max(_LONGEST_BREAK, 3.0 * float(np.median(distances)))
    return 1 + int(np.where(distances <= longest, distances, 1).sum())


def coverage(days: Days, n_steps: Integers) -> float:
    """Return the share of the expected steps that are there, in (0, 1].

    Expected are, on each day from the first to the last that falls on a weekday the run uses, as many steps as a day
    has in the median: more on one day do not make up for fewer on another, and holidays count as missing. A run that
    steps less often than every few days is expected to have one in each of its median distances.
    """
    distance = float(np.median(np.diff(days).astype(np.int64))) if len(days) > 1 else 1.0
    span = int((days[-1] - days[0]).astype(np.int64)) + 1
    if distance > 3.0:
        return min(1.0, len(days) / (round((span - 1) / distance) + 1))
    weekdays = np.bincount((days.astype(np.int64) + 3) % 7, minlength=7)
    used = weekdays >= _SELDOM * weekdays.max()
    expected = np.bincount((int(days[0].astype(np.int64)) + 3 + np.arange(span)) % 7, minlength=7)[used].sum()
    usual = float(np.median(n_steps))
    return min(1.0, float(np.minimum(n_steps, usual).sum() / (expected * usual)))
