"""The cost curve: how much more trading could cost before nothing is left."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.evaluation.report import measured
from distill_platform.evaluation.report.view import CostView, ReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.scales import drawable
from distill_platform.pages.wording import percent, ratio

_NARROWEST = 1e-3
_CAPTION = "Annual net Sharpe ratio if every unit traded cost that many basis points more. At 0: what the run paid."


def panel(view: ReportView) -> Panel:
    """Return net Sharpe ratio against added costs, with the break-even marked."""
    costs = view.costs
    curve = sorted((added, sharpe) for added, sharpe in costs.curve if drawable(added) and drawable(sharpe))
    if len(curve) < 2 or curve[-1][0] - curve[0][0] < _NARROWEST:
        why = "Nothing was traded, or net returns do not vary." if costs.curve else "No cost curve was computed."
        return Panel("costs", "Costs: not measured", why, facts=_facts(view))
    title = _title(costs.breakeven_bps)
    return Panel("costs", title, _CAPTION, _drawn(costs, curve, title), _facts(view))


def _title(breakeven: float) -> str:
    if not math.isfinite(breakeven):
        return "No break-even: nothing was traded"
    if breakeven < 0:
        return f"Loses already: trading would have to cost {ratio(-breakeven, 1)} bps less to break even"
    return f"Trading may cost {ratio(breakeven, 1)} bps more before nothing is left"


def _drawn(costs: CostView, curve: list[tuple[float, float]], title: str) -> str:
    added, sharpes = (np.array(column) for column in zip(*curve, strict=True))
    figure, axes = canvas.axes(top=18)
    axes.fill_between(
        added, sharpes, 0.0, where=sharpes < 0, color=canvas.RED, alpha=0.18, linewidth=0, interpolate=True
    )
    axes.plot(added, sharpes, color=canvas.BLUE, linewidth=1.8)
    axes.axhline(0.0, color=canvas.INK, linewidth=0.8)
    axes.set_ylim(*canvas.span(sharpes.tolist()))
    axes.set_xlim(added[0], added[-1])
    canvas.y_axis(axes, scales.plain_ticks(*axes.get_ylim()), "annual net Sharpe ratio")
    canvas.x_axis(axes, scales.plain_ticks(*axes.get_xlim(), 6), "added cost, bps of what is traded")
    if added[0] <= costs.breakeven_bps <= added[-1]:
        axes.plot([costs.breakeven_bps], [0.0], "o", color=canvas.RED, markersize=6)
        late = costs.breakeven_bps > (added[0] + added[-1]) / 2
        axes.annotate(
            f"break-even {ratio(costs.breakeven_bps, 1)} bps", (costs.breakeven_bps, 0.0), (-6 if late else 6, 7),
            textcoords="offset points", ha="right" if late else "left", color=canvas.INK,
        )  # fmt: skip
    return canvas.svg(figure, title)


def _facts(view: ReportView) -> tuple[tuple[str, str], ...]:
    return (
        ("Break-even, added", measured.shown("stress.breakeven_bps", view.costs.breakeven_bps)),
        ("Turnover a year", measured.shown("risk.turnover_annual", view.number("risk.turnover_annual"))),
        ("Volume used, 95th percentile", percent(view.number("risk.adv_utilization_p95"))),
    )
