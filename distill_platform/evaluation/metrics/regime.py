"""Regimes: the same run on calm, ordinary and volatile days, told apart by what was known before each day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.daily import DailySeries
from distill_platform.evaluation.metrics.returns import total_return
from distill_platform.evaluation.metrics.steps import Floats
from distill_platform.stats import drawdown, psr, sharpe, sharpe_standard_error

REGIMES = ("low_vol", "mid_vol", "high_vol")

_HARMFUL = 0.05  # probability that the true Sharpe ratio of a regime is above 0

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RegimeRow:
    """A run on the days of one regime, put one after the other. Sharpe ratio and standard error are by the year."""

    name: str
    days: int
    sharpe: float
    standard_error: float
    total_return: float
    max_drawdown: float
    probability_positive: float


def volatility_terciles(market: Floats, window: int) -> Labels:
    """Return the third of volatility that each day falls into, 0 the calmest, -1 for the first `window` days.

    A day's volatility is that of the `window` days before it, itself not included; thirds are those of the whole run.
    All days are -1 where volatility does not vary.
    """
    labels = np.full(len(market), -1)
    if len(market) <= window:
        return labels
    volatility = np.lib.stride_tricks.sliding_window_view(market[:-1], window).std(axis=1, ddof=1)
    low, high = np.quantile(volatility, (1 / 3, 2 / 3))
    if low < high:
        labels[window:] = (volatility > low).astype(np.int64) + (volatility > high)
    return labels


def regime_rows(daily: DailySeries, labels: Labels, fewest_days: int) -> tuple[RegimeRow, ...]:
    """Return the run by regime, calmest first; one with fewer days than `fewest_days` has no statistics (NaN)."""
    per_year = math.sqrt(len(daily) * 365 / max(daily.calendar_days, 1))
    return tuple(_row(name, daily.net[labels == place], fewest_days, per_year) for place, name in enumerate(REGIMES))


def regime_metrics(rows: Sequence[RegimeRow]) -> dict[str, float | bool | None]:
    """Return `regime.*` by leaf. `fragile` is None below two regimes with a Sharpe ratio.

    A run is fragile if it has an edge in one regime at most, or is likely harmful in one: the probability that its true
    Sharpe ratio there is above 0 (PSR, Bailey and Lopez de Prado 2012) is below 5 %. A ratio that is negative by chance
    in one of three regimes makes nobody fragile.
    """
    ratios = [row.sharpe for row in rows if not math.isnan(row.sharpe)]
    gains = sum(ratio > 0.0 for ratio in ratios)
    harmful = any(row.probability_positive < _HARMFUL for row in rows)
    return {
        "fragile": (gains <= 1 or harmful) if len(ratios) > 1 else None,
        "worst_sharpe": min(ratios, default=math.nan),
        "best_sharpe": max(ratios, default=math.nan),
        "n_regimes": len(ratios),
        **{f"sharpe_{row.name}": row.sharpe for row in rows},
    }


def _row(name: str, net: Floats, fewest_days: int, per_year: float) -> RegimeRow:
    if len(net) < max(fewest_days, 2):
        return RegimeRow(name, len(net), *(math.nan,) * 5)
    ratio, error = sharpe(net) * per_year, sharpe_standard_error(net) * per_year
    return RegimeRow(name, len(net), ratio, error, total_return(net), -drawdown(net).max_drawdown, psr(net))
