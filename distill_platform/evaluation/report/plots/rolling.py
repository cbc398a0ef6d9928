"""The rolling Sharpe ratio: whether the run earned its record all along or in one stretch."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.evaluation.report.view import Numbers, ReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, percent, ratio
from distill_platform.stats import rolling_sharpe, sharpe_standard_error_from_moments

_YEAR = 365.0
_LONGEST, _SHORTEST = 365, 60
_MOST_POINTS = 400


def panel(view: ReportView) -> Panel:
    """Return the Sharpe ratio of the last year at each day, or of the last third of a short run."""
    first, daily = calendar_days(view)
    window = min(_LONGEST, len(daily) // 3)
    if window < _SHORTEST:
        why = f"{count(len(daily))} days are too few: a window needs {_SHORTEST} days, and the run three of them."
        return Panel("rolling", "Rolling Sharpe ratio: not measured", why)
    ratios = rolling_sharpe(daily, window) * math.sqrt(_YEAR)
    known = np.flatnonzero(np.isfinite(ratios))
    if len(known) == 0:
        return Panel("rolling", "Rolling Sharpe ratio: not measured", "Returns do not vary within any window.")
    shown = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), _MOST_POINTS)).astype(int))]
    negative = float(np.mean(ratios[known] < 0))
    lowest = ratio(float(ratios[known].min()))
    title = f"Sharpe ratio over {window} days: lowest {lowest}, below 0 {percent(negative, 0)} of the time"
    caption = f"Annual net Sharpe ratio of the {window} days before; band: one standard error. Dashed: the whole run."
    drawn = _drawn(view, first + shown.astype(np.float64), ratios[shown], window, title)
    return Panel("rolling", title, caption, drawn)


def calendar_days(view: ReportView) -> tuple[float, Numbers]:
    """Return the number of the first day and net returns of all days since: 0 where the run has no step."""
    known = scales.drawable_days(view.daily.net)
    if not known.any():
        return 0.0, np.zeros(0)
    days = scales.day_numbers(view.daily.days)[known].astype(np.int64)
    daily = np.zeros(int(days[-1] - days[0]) + 1)
    daily[days - days[0]] = view.daily.net[known]
    return float(days[0]), daily


def _drawn(view: ReportView, x: Numbers, ratios: Numbers, window: int, title: str) -> str:
    per_day = (ratios / math.sqrt(_YEAR)).tolist()
    errors = np.array([sharpe_standard_error_from_moments(value, window) for value in per_day]) * math.sqrt(_YEAR)
    figure, axes = canvas.axes()
    axes.fill_between(x, ratios - errors, ratios + errors, color=canvas.BLUE, alpha=0.16, linewidth=0)
    axes.plot(x, ratios, color=canvas.BLUE, linewidth=1.5)
    axes.axhline(0.0, color=canvas.INK, linewidth=0.8)
    whole = view.number("returns.sharpe_daily")
    if scales.drawable(whole):
        axes.axhline(whole, color=canvas.MUTED, linewidth=1.0, linestyle=canvas.DASHED)
    axes.set_ylim(*canvas.span([float(np.min(ratios - errors)), float(np.max(ratios + errors))]))
    axes.set_xlim(x[0], max(x[-1], x[0] + 1))
    canvas.y_axis(axes, scales.plain_ticks(*axes.get_ylim()), "annual net Sharpe ratio")
    canvas.x_axis(axes, scales.time_ticks(*axes.get_xlim(), 5))
    return canvas.svg(figure, title)
