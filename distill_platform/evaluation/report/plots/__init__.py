"""Figures of a report: one module each, all from the same view, each with the message it carries."""

from __future__ import annotations

from distill_platform.evaluation.report.view import ReportView
from distill_platform.pages.panel import Panel

__all__ = ["Panel", "panels"]


def panels(view: ReportView) -> tuple[Panel, ...]:
    """Return the figures of a report in the order in which a reviewer looks at them.

    matplotlib takes half a second to import, so only who asks for figures waits for it.
    """
    from distill_platform.evaluation.report.plots import (
        costs,
        equity,
        folds,
        intervals,
        rolling,
        selection,
        stress,
        tails,
    )
    from distill_platform.pages.canvas import drawing

    single = (equity, selection, folds, costs, stress, rolling, tails)
    with drawing():
        return (*(figure.panel(view) for figure in single), intervals.regimes(view), intervals.contributions(view))
