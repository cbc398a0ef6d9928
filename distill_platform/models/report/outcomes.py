"""Outcomes: what a run came to in money, window by window, day by day, and at other costs than it paid."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from distill_platform.models.chain.entrants import Role
from distill_platform.models.frames import Floats
from distill_platform.models.report.view import CostCurveView, EquityView, ResultView, WindowView
from distill_platform.stats import drawdown, sharpe_daily_annualized, utc_days

_FARTHEST = 10.0  # multiples of the costs: beyond it a break-even is "more than tenfold"
_NEAREST = 3.0
_POINTS = 21


def results_of(contender: str, steps: pa.Table, windows: tuple[WindowView, ...]) -> tuple[ResultView, ...]:
    """Return what a run with these `steps` made in each window that it has steps in; windows are [start, end).

    A step belongs to the window in which it ends, one that ends at midnight to the day before.
    """
    ends = steps["ts_end"].to_numpy().astype("datetime64[us]")
    found = []
    for window in windows:
        start, end = (np.datetime64(moment.replace(tzinfo=None), "us") for moment in (window.start, window.end))
        inside = (ends > start) & (ends <= end)
        if inside.any():
            found.append(_result(contender, window.name, steps.filter(pa.array(inside))))
    return tuple(found)


def cost_curve_of(steps: pa.Table) -> CostCurveView:
    """Return the net profit of a run at multiples of the costs that it paid, the same trades and fills assumed.

    Profits are sums of returns: a multiple m leaves gross - m costs, and nothing is left at gross / costs.
    """
    gross, costs = math.fsum(_column(steps, "ret_gross")), _costs(steps)
    breakeven = gross / costs if costs > 0.0 else math.nan
    farthest = min(max(_NEAREST, 1.25 * breakeven), _FARTHEST) if math.isfinite(breakeven) else _NEAREST
    multiples = np.linspace(0.0, farthest, _POINTS).tolist()
    return CostCurveView(tuple((multiple, gross - multiple * costs) for multiple in multiples), gross, costs, breakeven)


def equity_of(contender: str, role: Role, daily: pa.Table) -> EquityView:
    """Return a run's net returns by day, as its own account has them."""
    return EquityView(contender, role, daily["day"].to_numpy().astype("datetime64[D]"), _column(daily, "ret_net"))


def _result(contender: str, window: str, steps: pa.Table) -> ResultView:
    ends, net = steps["ts_end"].to_numpy().astype("datetime64[ns]"), _column(steps, "ret_net")
    is_sound = bool(np.isfinite(net).all() and net.min() >= -1.0)
    return ResultView(
        contender=contender,
        window=window,
        net=math.fsum(net),
        costs=_costs(steps),
        sharpe=sharpe_daily_annualized(ends, net) if is_sound else math.nan,
        max_drawdown=-drawdown(net).max_drawdown if is_sound else math.nan,
        turnover=math.fsum(_column(steps, "turnover")),
        days=len(np.unique(utc_days(ends))),
    )


def _costs(steps: pa.Table) -> float:
    return math.fsum(math.fsum(_column(steps, name)) for name in ("fee", "slippage", "funding"))


def _column(table: pa.Table, name: str) -> Floats:
    values: Floats = table[name].to_numpy()
    return values
