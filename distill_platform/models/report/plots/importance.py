"""Importance: which features move the scores, how much, and in which direction."""

from __future__ import annotations

from distill_platform.models.report.plots.bars import Bar, drawn_bars
from distill_platform.models.report.view import ImportanceView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, visible

_CAPTION = (
    "Mean size of what each feature adds to a score. Blue, to the right: higher values raise the score; orange, to the "
    "left: they lower it."
)


def panel(view: ModelReportView) -> Panel:
    """Return the strongest features as bars with the sign of their relation."""
    found = view.importance
    known = [] if found is None else [pair for pair in found.features if scales.drawable(pair[1]) and pair[1]]
    if found is None or not known:
        why = "No row could be explained." if found is None else "No feature moves the scores: they are all the same."
        return Panel("importance", "Importance: not measured", why)
    name, strength = known[0]
    title = f"{visible(name)} counts most: higher values {'raise' if strength > 0 else 'lower'} the score"
    bars = [Bar(each, value, canvas.BLUE if value > 0 else canvas.RED) for each, value in known]
    svg = drawn_bars(bars, "mean contribution to a score, signed", title)
    return Panel("importance", title, _CAPTION, svg, _facts(found))


def _facts(found: ImportanceView) -> tuple[tuple[str, str], ...]:
    shown = f"{count(len(found.features))} of {count(found.total)}"
    return (("Features shown", shown), ("Seen on the newest rows", count(found.rows)))
