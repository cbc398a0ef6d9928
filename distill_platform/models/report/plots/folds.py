"""Folds: how the model of each fold's training rows ordered the rows that it had not seen."""

from __future__ import annotations

import math

from distill_platform.models.report.view import FoldView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, percent, ratio

_CAPTION = (
    "Rank correlation of scores and labels on each fold's test rows; what shares a moment with a test label was purged "
    "from the rows that the fold's model was fitted on. 0: no order at all."
)
_MOST_TICKS = 12


def panel(view: ModelReportView) -> Panel:
    """Return the rank correlation of each fold as bars, its mean dashed."""
    known = [fold for fold in view.folds if scales.drawable(fold.rank_ic)]
    if not known or not scales.drawable(view.mean_rank_ic):
        why = "No folds: an arm that was frozen before this week is only scored." if not view.folds else _NONE_VARIES
        return Panel("folds", "Folds: not measured", why)
    positive = sum(fold.rank_ic > 0 for fold in known)
    title = f"Rank correlation {ratio(view.mean_rank_ic, 3)} out of fold, above 0 in {positive} of {len(view.folds)}"
    return Panel("folds", title, _CAPTION, _drawn(known, view.mean_rank_ic, title), _facts(view))


_NONE_VARIES = "The scores of no fold vary, so they order nothing."


def _drawn(folds: list[FoldView], mean: float, title: str) -> str:
    figure, axes = canvas.axes(left=54, top=14)
    places = list(range(len(folds)))
    colors = [canvas.BLUE if fold.rank_ic > 0 else canvas.RED for fold in folds]
    axes.bar(places, [fold.rank_ic for fold in folds], 0.72, color=colors, edgecolor="white")
    axes.axhline(mean, color=canvas.INK, linewidth=1.0, linestyle=canvas.DASHED)
    axes.axhline(0.0, color=canvas.INK, linewidth=0.8)
    axes.set_ylim(*canvas.span([fold.rank_ic for fold in folds]))
    axes.set_xlim(-0.6, len(folds) - 0.4)
    every = math.ceil(len(folds) / _MOST_TICKS)
    canvas.y_axis(axes, scales.plain_ticks(*axes.get_ylim()), "rank correlation")
    ticks = [float(place) for place in places[::every]], [str(fold.fold) for fold in folds[::every]]
    canvas.x_axis(axes, ticks, "fold of the search window")
    return canvas.svg(figure, title)


def _facts(view: ModelReportView) -> tuple[tuple[str, str], ...]:
    better = [fold.mse < fold.null_mse for fold in view.folds if math.isfinite(fold.mse)]
    return (
        ("Rows tested", count(sum(fold.test_rows for fold in view.folds))),
        ("Training rows purged, all folds", count(sum(fold.purged_rows for fold in view.folds))),
        ("Overlaps left", count(sum(fold.overlaps for fold in view.folds))),
        ("Folds with a smaller error than the mean label", _share(better)),
    )


def _share(better: list[bool]) -> str:
    return f"{sum(better)} of {len(better)} ({percent(sum(better) / len(better), 0)})" if better else "not measured"
