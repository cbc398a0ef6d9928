"""Drift: how far features have moved from what the model was fitted on, each by its own history's measure."""

from __future__ import annotations

from distill_platform.models.report.plots.bars import Bar, drawn_bars
from distill_platform.models.report.view import DriftView, ModelReportView
from distill_platform.pages import canvas, scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import ratio, several, visible

_MOST = 15
_CAPTION = (
    "How far each feature's values have moved, in multiples of its threshold: what hardly any week of its own history "
    "exceeded. Beyond 1 it has drifted."
)


def panel(view: ModelReportView) -> Panel:
    """Return the features that drifted furthest, each in multiples of its own threshold."""
    known = [one for one in view.worst_drift if scales.drawable(one.share)]
    if not known:
        why = "Nobody has measured drift for this model yet: it is measured while a model is served."
        return Panel("drift", "Drift: not measured", why if not view.drift else "No feature's drift is a number.")
    title = _title(known)
    bars = [Bar(one.feature, one.share, canvas.RED if one.share > 1 else canvas.BLUE) for one in known[:_MOST]]
    return Panel("drift", title, _CAPTION, drawn_bars(bars, "drift over threshold", title, bound=1.0), _facts(view))


def _title(known: list[DriftView]) -> str:
    drifted = sum(one.share > 1 for one in known)
    if not drifted:
        worst = known[0]
        return f"No feature has drifted; nearest is {visible(worst.feature)} at {ratio(worst.share)} of its threshold"
    return f"{several(drifted, 'feature')} of {len(known)} drifted, {visible(known[0].feature)} most"


def _facts(view: ModelReportView) -> tuple[tuple[str, str], ...]:
    unknown = sum(not scales.drawable(one.share) for one in view.drift)
    return (("Features measured", str(len(view.drift))), ("Of these not a number", str(unknown)))
