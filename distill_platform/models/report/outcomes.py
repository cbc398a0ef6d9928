"""Outcomes: what a run came to in money, window by window, day by day, and at other costs than it paid."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from distill_platform.core.errors import ModelError
from distill_platform.core.utc import EARLIEST
from distill_platform.models.chain.entrants import Role
from distill_platform.models.frames import Floats, Integers
from distill_platform.models.promotion.case import window_result
from distill_platform.models.report.view import CostCurveView, EquityView, ResultView, WindowView
from distill_platform.models.validation.windows import Window
from distill_platform.stats import utc_days

_FARTHEST = 10.0  # multiples of the costs: beyond it a break-even is "more than tenfold"
_NEAREST = 3.0
_POINTS = 21


def results_of(contender: str, steps: pa.Table, windows: tuple[WindowView, ...]) -> tuple[ResultView, ...]:
    """Return what a run with these `steps` made in each window that it has steps in; windows are [start, end).

    A step belongs to the window in which it ends. Numbers of a window whose returns are not finite are NaN.
    """
    found = []
    for window in windows:
        span = Window(_ns(window.start), _ns(window.end))
        inside = steps.filter(pa.array((_ends(steps) > span.start_ns) & (_ends(steps) <= span.end_ns)))
        if len(inside):
            found.append(_result(contender, window.name, inside, span))
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


def _result(contender: str, window: str, steps: pa.Table, span: Window) -> ResultView:
    try:
        made = window_result(_ends(steps), _column(steps, "ret_net"), span)
    except ModelError:
        net = sharpe = fall = math.nan
    else:
        net, sharpe, fall = made.pnl_after_cost, made.sharpe, made.max_drawdown
    return ResultView(
        contender=contender,
        window=window,
        net=net,
        costs=_costs(steps),
        sharpe=sharpe,
        max_drawdown=fall,
        turnover=math.fsum(_column(steps, "turnover")),
        days=len(np.unique(utc_days(_ends(steps).astype("datetime64[ns]")))),
    )


def _ends(steps: pa.Table) -> Integers:
    ends: Integers = steps["ts_end"].to_numpy().astype("datetime64[ns]").astype(np.int64)
    return ends


def _ns(moment: datetime) -> int:
    return (moment - EARLIEST) // timedelta(microseconds=1) * 1_000


def _costs(steps: pa.Table) -> float:
    return math.fsum(math.fsum(_column(steps, name)) for name in ("fee", "slippage", "funding"))


def _column(table: pa.Table, name: str) -> Floats:
    values: Floats = table[name].to_numpy()
    return values
