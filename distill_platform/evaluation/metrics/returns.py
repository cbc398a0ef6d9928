"""Returns: what a run made after all costs, how sure that is, and how deep it fell."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.evaluation.metrics.daily import (
    DAYS_PER_YEAR,
    DailySeries,
    on_calendar,
    settled,
    sharpe_annual,
    sharpe_annual_standard_error,
)
from distill_platform.evaluation.metrics.steps import Floats, Steps
from distill_platform.stats import (
    DAILY_METHOD,
    PopulationMoments,
    drawdown,
    es_historical,
    gain_to_pain,
    moments,
    sharpe,
    var_historical,
)


def returns_metrics(steps: Steps, daily: DailySeries, shape: PopulationMoments) -> dict[str, float | str]:
    """Return `returns.*` by leaf for a run with at least one day; `shape` are the moments of its daily net returns.

    Sharpe ratios, volatility and return are by the year of 365 days; drawdown, VaR and ES are positive. Drawdown is
    that of equity after each step, which is never less than that of equity at the end of days; time under water is
    counted in days. NaN where a statistic has no value.
    """
    total = total_return(daily.net)
    return {
        "sharpe_daily": sharpe_annual(daily.days, daily.net),
        "sharpe_step_raw": _sharpe_step(steps, daily),
        "sharpe_method": DAILY_METHOD,
        "sharpe_standard_error": sharpe_annual_standard_error(daily.days, daily.net),
        "max_drawdown": -drawdown(steps.net).max_drawdown,
        "gain_to_pain_ratio": gain_to_pain(daily.net),
        "time_under_water_ratio": drawdown(daily.net).total_under_water / len(daily),
        "var_95": var_historical(daily.net, 0.95),
        "es_95": es_historical(daily.net, 0.95),
        "var_99": var_historical(daily.net, 0.99),
        "es_99": es_historical(daily.net, 0.99),
        "total_return": total,
        "annual_return": _annual(total, daily.calendar_days),
        "annual_volatility": moments(on_calendar(daily.days, daily.net)).sd * math.sqrt(DAYS_PER_YEAR),
        "skewness": shape.skew,
        "kurtosis": shape.kurt,
    }


def total_return(net: Floats) -> float:
    """Return what compounding leaves of returns, as a fraction of the equity at the start; infinite beyond floats."""
    with np.errstate(over="ignore"):
        return float((1.0 + net).prod()) - 1.0


def _annual(total: float, calendar_days: int) -> float:
    """Return the return of a year that compounds to `total` over the days; infinite beyond floats."""
    with np.errstate(over="ignore", divide="ignore"):
        return float(np.expm1(np.log1p(total) * DAYS_PER_YEAR / calendar_days))


def _sharpe_step(steps: Steps, daily: DailySeries) -> float:
    """Return the Sharpe ratio of single steps, by the year through the number of steps in one."""
    ratio = sharpe(settled(steps.net, float(np.abs(steps.gross).max() + np.abs(steps.gross - steps.net).max())))
    return ratio * math.sqrt(len(steps) * DAYS_PER_YEAR / daily.calendar_days)
