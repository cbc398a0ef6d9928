"""Figures of a model's report: one module each, all from the same view, each with the message it carries."""

from __future__ import annotations

from distill_platform.models.report.view import ModelReportView
from distill_platform.pages.panel import Panel

__all__ = ["Panel", "panels"]


def panels(view: ModelReportView) -> tuple[Panel, ...]:
    """Return the figures of a report in the order in which a researcher looks at them, those not measured last.

    matplotlib takes half a second to import, so only who asks for figures waits for it.
    """
    from distill_platform.models.report.plots import (
        calibration,
        costs,
        drift,
        equity,
        folds,
        importance,
        information,
        learning,
        null,
    )
    from distill_platform.pages.canvas import drawing

    figures = (equity, null, folds, calibration, costs, importance, drift, learning, information)
    with drawing():
        drawn = [figure.panel(view) for figure in figures]
    return tuple(sorted(drawn, key=lambda panel: not panel.svg))
