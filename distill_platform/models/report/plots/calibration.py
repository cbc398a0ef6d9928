"""Calibration: whether what came after high scores was more than what came after low ones, out of sample."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.models.report.view import CalibrationView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, ratio, signed

_TWO = 1.959964  # standard errors of a 95 % interval
_CAPTION = (
    "Rows of the validation and forward windows in ten equal groups by score: their mean label, bars ± 1.96 standard "
    "errors over blocks of time. A good model rises from left to right; a useless one stays at the dashed mean."
)


def panel(view: ModelReportView) -> Panel:
    """Return mean labels by decile of the score, with intervals."""
    found = view.calibration
    if found is None or not all(map(scales.drawable, (*found.labels, *found.scores))):
        why = "Fewer than a hundred rows have a score and a label out of sample, or all scores are equal."
        return Panel("calibration", "Calibration: not measured", why)
    title = _title(found)
    return Panel("calibration", title, _CAPTION, _drawn(found, title), _facts(found))


def _title(found: CalibrationView) -> str:
    gap, error = _gap(found)
    if not math.isfinite(error):
        return f"Top less bottom tenth: {signed(gap, 3)}, its error not known"
    if gap > _TWO * error:
        return f"Labels rise with scores: {signed(gap, 3)} from the bottom to the top tenth"
    return "Labels do not clearly rise with scores" if gap > -_TWO * error else "Labels fall as scores rise"


def _drawn(found: CalibrationView, title: str) -> str:
    figure, axes = canvas.axes(left=54, top=14)
    places = np.arange(1.0, len(found.labels) + 1.0)
    labels = np.array(found.labels)
    errors = np.array(found.errors)
    half = _TWO * np.where(scales.drawable_days(errors), errors, 0.0)
    overall = float(np.average(labels, weights=found.rows))
    axes.axhline(overall, color=canvas.MUTED, linewidth=1.0, linestyle=canvas.DASHED)
    axes.axhline(0.0, color=canvas.INK, linewidth=0.8)
    axes.vlines(places, labels - half, labels + half, color=canvas.MUTED, linewidth=1.6)
    axes.plot(places, labels, color=canvas.BLUE, linewidth=1.0)
    axes.plot(places, labels, "o", color=canvas.BLUE, markersize=5.5)
    axes.set_ylim(*canvas.span([*(labels - half), *(labels + half)]))
    axes.set_xlim(0.5, len(labels) + 0.5)
    canvas.y_axis(axes, scales.plain_ticks(*axes.get_ylim()), "mean label")
    canvas.x_axis(axes, (places.tolist(), [str(int(place)) for place in places]), "tenth of the scores, lowest first")
    return canvas.svg(figure, title)


def _gap(found: CalibrationView) -> tuple[float, float]:
    """Return the top group's mean label less the bottom one's, with its standard error, as if they were independent."""
    return found.labels[-1] - found.labels[0], math.hypot(found.errors[-1], found.errors[0])


def _facts(found: CalibrationView) -> tuple[tuple[str, str], ...]:
    gap, error = _gap(found)
    shown = f"{signed(gap, 3)} ± {ratio(error, 3)}"
    return (("Top less bottom tenth, ± standard error", shown), ("Rows", count(sum(found.rows))))
