"""Equity: what the model made day by day, beside the control arms that it has to beat."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distill_platform.evaluation.report.plots.equity import drawdowns, log_growth, name_windows, shade
from distill_platform.models.report.view import EquityView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import listed, visible

_LOOKS = ((canvas.BLUE, "solid"), (canvas.AMBER, canvas.DASHED), (canvas.GREEN, canvas.DOTTED), (canvas.SKY, "solid"))
_KEY_LINE = 0.075  # of the figure's height, so that no equity runs through the key
_SPLITS = {"search": "search", "validation": "validation", "forward": "forward_oos"}
_CAPTION = (
    "Multiples of the starting equity after costs, log scale; below, how far this model stood under its highest point. "
    "Shaded: the validation window and, from the line on, the forward window, which nothing was chosen by."
)


def panel(view: ModelReportView) -> Panel:
    """Return the equity of the model and of the control arms on a log scale, windows shaded, its drawdown below."""
    lines = [line for line in view.equity if len(line.days) and scales.drawable_days(line.net).all()]
    if not lines or lines[0] is not view.equity[0]:
        return Panel("equity", "Equity: not measured", "No day of this model's run has a net return.", wide=True)
    title = _title(lines)
    return Panel("equity", title, _CAPTION, canvas.svg(_drawn(view, lines), title), wide=True)


def _title(lines: list[EquityView]) -> str:
    own, *others = (f"{visible(line.contender)} ×{np.exp(log_growth(line.net)[-1]):.3g}" for line in lines)
    return f"Equity after costs: {own}, {listed(others) if others else 'and no control arm beside it'}"


def _drawn(view: ModelReportView, lines: list[EquityView]) -> Figure:
    figure, above = canvas.axes(canvas.WIDE, left=56, bottom=140, top=22)
    below = canvas.below(figure, left=56, right=12, top=276, height=90)
    days = [scales.day_numbers(line.days) for line in lines]
    first, last = min(day[0] for day in days), max(day[-1] for day in days)
    windows = tuple((_SPLITS[one.name], one.start, one.end) for one in view.windows)
    for axes in (above, below):
        axes.set_xlim(first, max(last, first + 1))
        shade(axes, windows)
        _mark_forward(axes, view)
    name_windows(above, windows)
    growths = [log_growth(line.net) for line in lines]
    for number, (line, x, growth) in enumerate(zip(lines, days, growths, strict=True)):
        color, dashes = _LOOKS[min(number, len(_LOOKS) - 1)]
        width = 1.0 if number else 1.8
        above.plot(
            *scales.thinned(x, growth), color=color, linestyle=dashes, linewidth=width,
            label=canvas.name_of(line.contender), zorder=3 - number / len(lines),
        )  # fmt: skip
    _finish_equity(above, growths)
    _draw_drawdown(below, days[0], growths[0])
    canvas.x_axis(below, scales.time_ticks(*below.get_xlim(), 9))
    return figure


def _mark_forward(axes: Axes, view: ModelReportView) -> None:
    for window in view.windows:
        if window.name == "forward":
            axes.axvline(window.start.timestamp() / 86_400, color=canvas.INK, linewidth=0.9)


def _finish_equity(axes: Axes, growths: list[scales.Numbers]) -> None:
    low, high = min(0.0, *(growth.min() for growth in growths)), max(0.0, *(growth.max() for growth in growths))
    room = max(0.06 * (high - low), 0.002)
    for_key = _KEY_LINE * len(growths) * (high - low + 2 * room)
    axes.set_ylim(low - room, high + room + for_key)
    canvas.y_axis(axes, scales.growth_ticks(*axes.get_ylim()))
    axes.axhline(0.0, color=canvas.MUTED, linewidth=0.7)
    canvas.key(axes, inside=True)


def _draw_drawdown(axes: Axes, x: scales.Numbers, growth: scales.Numbers) -> None:
    fall = drawdowns(growth)
    axes.fill_between(*scales.thinned(x, fall), color=canvas.RED, alpha=0.28, linewidth=0)
    deepest = min(1.12 * float(fall.min()), -1e-3)
    axes.set_ylim(deepest, 0.0)
    canvas.y_axis(axes, scales.percent_ticks(deepest, 0.0, 3))
    axes.text(0.0, 1.06, "this model below its highest point so far", transform=axes.transAxes, color=canvas.MUTED)
