"""Live: a paper or live run against its latest backtest, and its last days against those before them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.metrics.daily import DailySeries, sharpe_annual
from distill_platform.evaluation.metrics.run import RunMetrics
from distill_platform.stats import drawdown

_RATIOS = {
    "backtest_sharpe_ratio": "returns.sharpe_daily",
    "backtest_drawdown_ratio": "returns.max_drawdown",
    "backtest_var_ratio": "returns.var_99",
    "backtest_es_ratio": "returns.es_99",
}


def live_metrics(own: RunMetrics, backtest: RunMetrics | None, lookback_days: int) -> dict[str, float]:
    """Return `live.*` by full name: the days of the last `lookback_days` of the calendar, and ratios to a backtest.

    `live.max_drawdown` is that of equity at the end of those days. Ratios of the whole run to the backtest are NaN
    without one, and where the backtest's number is not positive: there is nothing to be a share of. `decay_ratio` is
    the Sharpe ratio of those days over that of the days before them, NaN unless that is positive. A run that is broken
    or idle has NaN throughout, and so have ratios to such a backtest.
    """
    recent = _recent(own.daily, lookback_days)
    net, days = own.daily.net[recent], own.daily.days[recent]
    usable = own.is_measured and len(net) > 0
    ratio = sharpe_annual(days, net) if usable else math.nan
    before = sharpe_annual(own.daily.days[~recent], own.daily.net[~recent]) if usable else math.nan
    return {
        "live.days": len(net),
        "live.sharpe": ratio,
        "live.max_drawdown": -drawdown(net).max_drawdown if usable else math.nan,
        "live.decay_ratio": _share(ratio, before),
        **{f"live.{leaf}": _of_backtest(name, own, backtest) for leaf, name in _RATIOS.items()},
    }


def _recent(daily: DailySeries, lookback_days: int) -> npt.NDArray[np.bool_]:
    return daily.days > daily.days[-1] - lookback_days if len(daily) else np.empty(0, np.bool_)


def _of_backtest(name: str, own: RunMetrics, backtest: RunMetrics | None) -> float:
    if backtest is None or not (own.is_measured and backtest.is_measured):
        return math.nan
    return _share(own.number(name), backtest.number(name))


def _share(value: float, of: float) -> float:
    return value / of if of > 0.0 else math.nan
