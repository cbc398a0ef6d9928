"""The cost curve: what would be left if trading cost a multiple of what the run paid."""

from __future__ import annotations

import numpy as np

from distill_platform.models.report.sentences import breakeven
from distill_platform.models.report.view import CostCurveView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.scales import drawable
from distill_platform.pages.wording import percent, ratio

_CAPTION = (
    "Net profit over validation and forward window if fees, slippage and funding were multiplied, at the same trades. "
    "At 1: what the run paid, as the world sealed it."
)


def panel(view: ModelReportView) -> Panel:
    """Return net profit against multiplied costs, with the break-even marked."""
    costs = view.costs
    curve = [(at, net) for at, net in costs.curve if drawable(at) and drawable(net)]
    if len(curve) < 2 or not costs.costs > 0.0 or not drawable(costs.breakeven):
        return Panel("costs", "Costs: not measured", "Nothing was traded, so nothing was paid.", facts=_facts(costs))
    title = _title(costs)
    return Panel("costs", title, _CAPTION, _drawn(costs, curve, title), _facts(costs))


def _title(costs: CostCurveView) -> str:
    if costs.gross <= 0.0:
        return "Loses before costs: no cost is low enough"
    if costs.breakeven < 1.0:
        return f"Loses at the costs it paid: breaks even at {ratio(costs.breakeven)} times them"
    return f"Costs may be {ratio(costs.breakeven, 1)} times as high before nothing is left"


def _drawn(costs: CostCurveView, curve: list[tuple[float, float]], title: str) -> str:
    at, net = (np.array(column) for column in zip(*curve, strict=True))
    figure, axes = canvas.axes(left=54, top=18)
    axes.fill_between(at, net, 0.0, where=net < 0, color=canvas.RED, alpha=0.18, linewidth=0, interpolate=True)
    axes.plot(at, net, color=canvas.BLUE, linewidth=1.8)
    axes.axhline(0.0, color=canvas.INK, linewidth=0.8)
    axes.axvline(1.0, color=canvas.MUTED, linewidth=0.9, linestyle=canvas.DASHED)
    axes.plot([1.0], [np.interp(1.0, at, net)], "o", color=canvas.BLUE, markersize=5)
    axes.set_ylim(*canvas.span(net.tolist(), 0.12))
    axes.set_xlim(at[0], at[-1])
    canvas.y_axis(axes, scales.percent_ticks(*axes.get_ylim()))
    canvas.x_axis(axes, scales.plain_ticks(at[0], at[-1], 6), "multiple of the costs paid")
    if at[0] < costs.breakeven <= at[-1]:
        axes.plot([costs.breakeven], [0.0], "o", color=canvas.RED, markersize=6)
        late = costs.breakeven > (at[0] + at[-1]) / 2
        axes.annotate(
            f"break-even ×{ratio(costs.breakeven)}", (costs.breakeven, 0.0), (6, 7) if not late else (-6, -14),
            textcoords="offset points", ha="right" if late else "left", color=canvas.INK,
        )  # fmt: skip
    return canvas.svg(figure, title)


def _facts(costs: CostCurveView) -> tuple[tuple[str, str], ...]:
    return (
        ("Gross profit", percent(costs.gross)),
        ("Costs paid", percent(costs.costs)),
        ("Break-even", breakeven(costs)[0]),
    )
