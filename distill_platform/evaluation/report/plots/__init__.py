"""Figures of a report: one module each, all from the same view, each with the message it carries."""

from __future__ import annotations

from distill_platform.evaluation.report.plots import costs, equity, folds, intervals, rolling, selection, stress, tails
from distill_platform.evaluation.report.plots.canvas import drawing
from distill_platform.evaluation.report.plots.panel import Panel
from distill_platform.evaluation.report.view import ReportView

__all__ = ["Panel", "panels"]

_DRAWN = (
    equity.panel,
    selection.panel,
    folds.panel,
    costs.panel,
    stress.panel,
    rolling.panel,
    tails.panel,
    intervals.regimes,
    intervals.contributions,
)


def panels(view: ReportView) -> tuple[Panel, ...]:
    """Return the figures of a report in the order in which a reviewer looks at them."""
    with drawing():
        return tuple(draw(view) for draw in _DRAWN)
