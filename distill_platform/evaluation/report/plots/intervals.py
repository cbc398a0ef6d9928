"""Estimates with their intervals, one per line: regimes of the market, and nodes of the strategy."""

from __future__ import annotations

from distill_platform.evaluation.report.view import ContributionView, RegimeView, ReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import ratio, several, signed, visible

_MOST = 10
_FRAME, _LINE = 70, 50  # so that a single estimate does not stand alone in a tall figure
_TWO_SIDED = 1.959964  # standard errors of a 95 % interval

Line = tuple[str, float, float, float]


def regimes(view: ReportView) -> Panel:
    """Return the Sharpe ratio of each market regime with its 95 % interval."""
    known = [regime for regime in view.regimes if scales.drawable(regime.sharpe)]
    if not known:
        why = "No regimes were told apart." if not view.regimes else "No regime has a Sharpe ratio."
        return Panel("regimes", "Regimes: not measured", why)
    worst = min(known, key=lambda regime: regime.sharpe)
    verb = "Loses" if worst.sharpe < 0 else "Weakest"
    title = f"{verb} in {visible(worst.name)}: Sharpe ratio {ratio(worst.sharpe)} over {several(worst.days, 'day')}"
    caption = "Annual net Sharpe ratio on the days of each market regime; bars: 95 % interval."
    return Panel(
        "regimes", title, caption, drawn([_regime(one) for one in known[:_MOST]], "annual net Sharpe ratio", title)
    )


def contributions(view: ReportView) -> Panel:
    """Return what each node adds to the Sharpe ratio with its interval."""
    known = [node for node in view.contributions if scales.drawable(node.uplift)]
    if not known:
        why = "No run with a node switched off was handed in." if not view.contributions else "No uplift is known."
        return Panel("contributions", "What each node adds: not measured", why)
    ranked = sorted(known, key=lambda node: (-node.uplift, node.name))
    proven = sum(node.low > 0 for node in known)
    title = f"{proven or 'None'} of {several(len(known), 'node')} with an uplift above 0 beyond doubt"
    caption = "Annual Sharpe ratio of the full run less that of the run without the node, with its interval."
    lines = [_node(node) for node in ranked[:_MOST]]
    return Panel("contributions", title, caption, drawn(lines, "added annual Sharpe ratio", title, plus=True))


def drawn(lines: list[Line], unit: str, title: str, *, plus: bool = False) -> str:
    """Return lines (name, estimate, low, high) from the top down as SVG; `plus` writes signs."""
    width, height = canvas.HALF
    figure, axes = canvas.axes((width, min(height, _FRAME + _LINE * len(lines))), left=142, top=10)
    for place, (_, middle, low, high) in enumerate(lines):
        if scales.drawable(low) and scales.drawable(high):
            axes.plot([low, high], [-place, -place], color=canvas.MUTED, linewidth=2.0, solid_capstyle="butt")
        color = canvas.RED if middle < 0 else canvas.BLUE
        axes.plot([middle], [-place], "s" if middle < 0 else "o", color=color, markersize=7)
        axes.annotate(
            (signed if plus else ratio)(middle), (middle, -place), (0, 6), textcoords="offset points", ha="center",
        )  # fmt: skip
    axes.axvline(0.0, color=canvas.INK, linewidth=0.8)
    axes.set_xlim(*canvas.span([value for line in lines for value in line[1:] if scales.drawable(value)], 0.18))
    axes.set_ylim(-len(lines) + 0.4, 0.6)
    canvas.x_axis(axes, scales.plain_ticks(*axes.get_xlim()), unit, grid=True)
    names = [float(-place) for place in range(len(lines))], [line[0] for line in lines]
    canvas.y_axis(axes, names, grid=False, line=False)
    return canvas.svg(figure, title)


def _regime(regime: RegimeView) -> Line:
    half = _TWO_SIDED * regime.standard_error
    return (
        f"{canvas.name_of(regime.name, 15)} ({regime.days} d)",
        regime.sharpe,
        regime.sharpe - half,
        regime.sharpe + half,
    )


def _node(node: ContributionView) -> Line:
    return canvas.name_of(node.name), node.uplift, node.low, node.high
