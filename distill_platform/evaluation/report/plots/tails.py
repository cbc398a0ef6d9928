"""Tails: how bad the bad days are, against a normal distribution of the same mean and spread."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from distill_platform.evaluation.report.view import Numbers, ReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import percent, ratio
from distill_platform.stats.normal import pdf

_BINS = 41
_FEWEST = 20
_LINES = (("var_95", "VaR 95", canvas.AMBER, canvas.DASHED), ("es_99", "ES 99", canvas.RED, canvas.DOTTED))
_CAPTION = (
    "Days by net return, on a square-root scale so that single days are seen. Line: a normal distribution of the same "
    "mean and spread. VaR 95: the loss that one day in 20 exceeds. ES 99: the mean loss of the worst 1 % of days."
)


def panel(view: ReportView) -> Panel:
    """Return the distribution of daily net returns with value at risk and expected shortfall."""
    returns = view.daily.net[scales.drawable_days(view.daily.net)]
    if len(returns) < _FEWEST or not returns.max() > returns.min():
        why = f"{len(returns)} days are too few." if len(returns) < _FEWEST else "Daily returns do not vary."
        return Panel("tails", "Tails: not measured", why, facts=_facts(view))
    title = f"Worst day {percent(float(returns.min()))}, best day {percent(float(returns.max()))}"
    return Panel("tails", title, _CAPTION, _drawn(view, returns, title), _facts(view))


def _drawn(view: ReportView, returns: Numbers, title: str) -> str:
    scale = float(np.abs(returns).max())  # so that neither tiny nor huge returns leave the range of floats
    unit = returns / scale
    edges = np.linspace(unit.min(), unit.max(), _BINS + 1)
    counts, _ = np.histogram(unit, edges)
    figure, axes = canvas.axes(top=24)
    axes.stairs(np.sqrt(counts), edges, fill=True, color="#a9c6dc")
    spread = float(unit.std())
    if spread > 0:
        x = np.linspace(edges[0], edges[-1], 121)
        expected = [pdf(z) for z in ((x - unit.mean()) / spread).tolist()]
        axes.plot(x, np.sqrt(np.array(expected) / spread * len(unit) * (edges[1] - edges[0])), color=canvas.INK, lw=1.0)
    for number, (name, text, color, dashes) in enumerate(_LINES):
        loss = view.number(f"returns.{name}") / scale
        if edges[0] <= -loss <= edges[-1]:
            axes.axvline(-loss, color=color, linewidth=1.6, linestyle=dashes)
            axes.annotate(
                text, (-loss, 1.0), (3 if number == 0 else -3, 3), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="left" if number == 0 else "right", color=canvas.MUTED,
            )  # fmt: skip
    _finish(axes, edges, scale, float(np.sqrt(counts.max())))
    return canvas.svg(figure, title)


def _finish(axes: Axes, edges: Numbers, scale: float, highest: float) -> None:
    values, labels = scales.percent_ticks(float(edges[0]) * scale, float(edges[-1]) * scale, 6)
    axes.set_xlim(edges[0], edges[-1])
    counts = [n for n in (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500) if math.sqrt(n) <= highest]
    axes.set_ylim(0.0, 1.08 * highest)
    canvas.x_axis(axes, ([value / scale for value in values], labels), "net return of a day")
    canvas.y_axis(axes, ([math.sqrt(n) for n in counts], [str(n) for n in counts]), "days")


def _facts(view: ReportView) -> tuple[tuple[str, str], ...]:
    return (
        (
            "Value at risk, 95 % and 99 %",
            f"{percent(view.number('returns.var_95'))}, {percent(view.number('returns.var_99'))}",
        ),
        (
            "Expected shortfall, 95 % and 99 %",
            f"{percent(view.number('returns.es_95'))}, {percent(view.number('returns.es_99'))}",
        ),
        (
            "Skewness, kurtosis (normal: 0, 3)",
            f"{ratio(view.number('returns.skewness'))}, {ratio(view.number('returns.kurtosis'))}",
        ),
    )
