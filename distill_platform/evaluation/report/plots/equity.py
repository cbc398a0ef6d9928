"""Equity and drawdown: what the run made day by day, and how far below its best it stood."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from matplotlib.axes import Axes

from distill_platform.evaluation.report.view import Numbers, ReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, percent, ratio

_SHADES = {"search": "#f0f2f5", "validation": "#dde7f1", "forward_oos": "#d3ebe1"}
_OTHER_SHADE = "#f3ead9"
_HIGHEST = 30.0  # of log growth: beyond 1e13 nobody reads an axis

Windows = tuple[tuple[str, datetime, datetime], ...]


def panel(view: ReportView) -> Panel:
    """Return equity net and before costs on a log scale, windows shaded, with the drawdown below."""
    days, net, gross = view.daily.days, view.daily.net, view.daily.gross
    known = np.isfinite(net)
    if not known.any():
        return Panel("equity", "Equity: not measured", "No day has a net return.", wide=True)
    x = scales.day_numbers(days)[known]
    growth = log_growth(net[known])
    figure, above = canvas.axes(canvas.WIDE, left=56, bottom=140, top=22)
    below = canvas.below(figure, left=56, right=12, top=276, height=90)
    for axes in (above, below):
        axes.set_xlim(x[0], max(x[-1], x[0] + 1))
        shade(axes, view.windows)
    name_windows(above, view.windows)
    _draw_equity(above, x, growth, log_growth(np.where(np.isfinite(gross[known]), gross[known], 0.0)))
    _draw_drawdown(below, x, growth)
    canvas.x_axis(below, scales.time_ticks(*below.get_xlim(), 9))
    title = _title(view, growth)
    return Panel("equity", title, _caption(view), canvas.svg(figure, title), wide=True)


def drawdowns(growth: Numbers) -> Numbers:
    """Return how far equity stands below its highest point so far, the starting equity included: 0 or negative."""
    falls: Numbers = np.expm1(growth - np.maximum.accumulate(np.maximum(growth, 0.0)))
    return falls


def log_growth(returns: Numbers) -> Numbers:
    """Return the logarithm of equity after each day, within what an axis can show."""
    steps = np.log1p(np.clip(returns, np.expm1(-_HIGHEST), np.expm1(_HIGHEST)))
    growth: Numbers = np.clip(np.cumsum(steps), -_HIGHEST, _HIGHEST)
    return growth


def shade(axes: Axes, windows: Windows) -> None:
    """Shade each window in the colour of its split."""
    for split, start, end in windows:
        shade = _SHADES.get(split, _OTHER_SHADE)
        axes.axvspan(_day(start), _day(end), facecolor=shade, edgecolor="white", linewidth=1.0, zorder=0)


def name_windows(axes: Axes, windows: Windows) -> None:
    """Write the name of each split above the first of its windows that can be seen."""
    first, last = axes.get_xlim()
    starts = [(split, _day(start)) for split, start, end in windows if first < _day(end) and _day(start) < last]
    for split, start in reversed(dict(reversed(starts)).items()):
        name = canvas.name_of(split.replace("_", " "))
        axes.text(max(start, first), 1.02, f" {name}", transform=axes.get_xaxis_transform(), color=canvas.MUTED)


def _draw_equity(axes: Axes, x: Numbers, growth: Numbers, gross: Numbers) -> None:
    axes.plot(
        *scales.thinned(x, gross), color=canvas.MUTED, linewidth=0.9, linestyle=canvas.DASHED, label="before costs"
    )
    axes.plot(*scales.thinned(x, growth), color=canvas.BLUE, linewidth=1.5, label="net of costs")
    low, high = min(0.0, growth.min(), gross.min()), max(0.0, growth.max(), gross.max())
    room = max(0.06 * (high - low), 0.002)
    axes.set_ylim(low - room, high + room)
    canvas.y_axis(axes, scales.growth_ticks(low - room, high + room))
    axes.axhline(0.0, color=canvas.MUTED, linewidth=0.7)
    canvas.key(axes, inside=True)


def _draw_drawdown(axes: Axes, x: Numbers, growth: Numbers) -> None:
    fall = drawdowns(growth)
    axes.fill_between(*scales.thinned(x, fall), color=canvas.RED, alpha=0.28, linewidth=0)
    axes.plot(*scales.thinned(x, fall), color=canvas.RED, linewidth=1.0)
    deepest = min(float(fall.min()), -1e-3)
    axes.set_ylim(1.12 * deepest, 0.0)
    canvas.y_axis(axes, scales.percent_ticks(1.12 * deepest, 0.0, 3))
    axes.text(0.0, 1.06, "below the highest point so far", transform=axes.transAxes, color=canvas.MUTED)


def _day(moment: datetime) -> float:
    return moment.timestamp() / 86_400


def _title(view: ReportView, growth: Numbers) -> str:
    years = (view.daily.days[-1] - view.daily.days[0]).astype(int) / 365.25
    span = f"{ratio(years, 1)} years" if years >= 1 else f"{count(len(growth))} days"
    deepest = view.number("returns.max_drawdown")
    deepest = deepest if np.isfinite(deepest) else -float(drawdowns(growth).min())
    return f"Equity ×{np.exp(growth[-1]):.3g} in {span}, deepest fall {percent(deepest)}"


def _caption(view: ReportView) -> str:
    windows = "Shaded: the windows of the search." if view.folds else "No folds were handed in: no window is shaded."
    return f"Multiples of the starting equity, log scale. {windows}"
