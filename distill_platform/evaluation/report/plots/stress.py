"""Stress: what is left of the run when trading costs more than it assumed."""

from __future__ import annotations

from distill_platform.evaluation.report.view import ReportView, ScenarioView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import ratio, visible

_MOST = 10
_CAPTION = "Annual net Sharpe ratio by scenario; a black tick is the least that the policy asks for."


def panel(view: ReportView) -> Panel:
    """Return net Sharpe ratio per stress scenario, with the bounds of the policy."""
    known = [line for line in view.scenarios if scales.drawable(line.net_sharpe)]
    if not known:
        why = "The world's policy has no stress grid." if not view.scenarios else "No scenario has a Sharpe ratio."
        return Panel("stress", "Stress: not measured", why)
    worst = min(known, key=lambda line: line.net_sharpe)
    title = f"Worst under {visible(worst.name)}: Sharpe ratio {ratio(worst.net_sharpe)}"
    left_out = len(view.scenarios) - len(known[:_MOST])
    caption = _CAPTION + (f" {left_out} more stand in the table." if left_out else "")
    return Panel("stress", title, caption, _drawn(view, known[:_MOST], title))


def _drawn(view: ReportView, lines: list[ScenarioView], title: str) -> str:
    base = view.number("returns.sharpe_daily")
    rows: list[tuple[str, float, float | None]] = [("as run", base, None)] if scales.drawable(base) else []
    rows += [(canvas.name_of(line.name), line.net_sharpe, line.min_net_sharpe) for line in lines]
    figure, axes = canvas.axes(left=142, top=8)
    places = [float(-number) for number in range(len(rows))]
    values = [value for _, value, _ in rows]
    colors = [canvas.RED if value < 0 else "#9fb4c7" if name == "as run" else canvas.BLUE for name, value, _ in rows]
    axes.barh(places, values, 0.62, color=colors)
    for place, (_, value, least) in zip(places, rows, strict=True):
        axes.annotate(
            ratio(value), (value, place), (4 if value >= 0 else -4, 0), textcoords="offset points", va="center",
            ha="left" if value >= 0 else "right",
        )  # fmt: skip
        if least is not None and scales.drawable(least):
            axes.plot([least, least], [place - 0.42, place + 0.42], color=canvas.INK, linewidth=2.0)
    axes.axvline(0.0, color=canvas.INK, linewidth=0.8)
    bounds = [least for _, _, least in rows if least is not None and scales.drawable(least)]
    axes.set_xlim(*canvas.span([*values, *bounds], 0.18))
    axes.set_ylim(places[-1] - 0.6, 0.6)
    canvas.x_axis(axes, scales.plain_ticks(*axes.get_xlim()), "annual net Sharpe ratio", grid=True)
    canvas.y_axis(axes, (places, [name for name, _, _ in rows]), grid=False, line=False)
    return canvas.svg(figure, title)
