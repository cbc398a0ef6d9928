"""Walk-forward folds: what was made on data that the search had not seen."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.evaluation.report.view import FoldView, ReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import percent, ratio

_LOOKS = {"search": ("#c9d1da", ""), "validation": (canvas.SKY, "//"), "forward_oos": (canvas.BLUE, "")}
_OTHER = (canvas.AMBER, "\\\\")
_CAPTION = "Bars: net profit out of sample, by fold. Diamonds: the same fold in sample. Below 0: lost money."


def panel(view: ReportView) -> Panel:
    """Return out-of-sample profit per fold as bars, in-sample profit as diamonds."""
    folds = sorted(view.folds, key=lambda fold: (fold.fold, fold.start, fold.split))
    outs = [fold.pnl_oos for fold in folds if scales.drawable(fold.pnl_oos)]
    if not outs:
        why = "No folds table was handed in." if not folds else "No fold has an out-of-sample result."
        return Panel("folds", "Walk-forward: not measured", why)
    won = sum(out > 0 for out in outs)
    title = f"{won} of {len(outs)} folds made money out of sample; the worst {percent(min(outs))}"
    return Panel("folds", title, _CAPTION, _drawn(folds, title), _facts(view))


def _drawn(folds: list[FoldView], title: str) -> str:
    figure, axes = canvas.axes(left=54, top=24)
    places = np.arange(len(folds))
    for split in dict.fromkeys(fold.split for fold in folds):
        color, hatch = _LOOKS.get(split, _OTHER)
        own = [place for place, fold in enumerate(folds) if fold.split == split and scales.drawable(fold.pnl_oos)]
        heights = [folds[place].pnl_oos for place in own]
        axes.bar(
            own,
            heights,
            0.72,
            color=color,
            hatch=hatch,
            edgecolor="white",
            label=canvas.name_of(split.replace("_", " ")),
        )
    inside = [(place, folds[place].pnl_is) for place in places if scales.drawable(folds[place].pnl_is)]
    if inside:
        axes.plot(*zip(*inside, strict=True), "D", markersize=4, mfc="white", mec=canvas.INK, label="in sample")
    numbers = [value for fold in folds for value in (fold.pnl_is, fold.pnl_oos) if scales.drawable(value)]
    axes.set_ylim(*canvas.span(numbers))
    axes.set_xlim(-0.6, len(folds) - 0.4)
    canvas.y_axis(axes, scales.percent_ticks(*axes.get_ylim()), "profit, of equity")
    axes.axhline(0.0, color=canvas.INK, linewidth=0.8)
    every = math.ceil(len(folds) / 12)
    canvas.x_axis(axes, (places[::every].tolist(), [str(fold.fold) for fold in folds[::every]]), "fold")
    canvas.key(axes)
    return canvas.svg(figure, title)


def _facts(view: ReportView) -> tuple[tuple[str, str], ...]:
    return (
        ("Sum out of sample", percent(view.number("wf.oos_sum_pnl"))),
        ("Share of folds that made money", percent(view.number("wf.fold_sign_stability"), 0)),
        ("Out of sample over in sample", ratio(view.number("wf.oos_is_ratio"))),
    )
