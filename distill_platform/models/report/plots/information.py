"""Information: what events added out of sample, with its interval."""

from __future__ import annotations

from distill_platform.evaluation.report.plots.intervals import drawn
from distill_platform.models.report.view import InformationUnit, InformationView, ModelReportView
from distill_platform.pages import scales
from distill_platform.pages.panel import Panel
from distill_platform.pages.wording import count, probability

_CAPTION = (
    "The mean daily difference to the same procedure without events, over validation and forward window; "
    "bar: 95 % interval of a bootstrap in blocks."
)
_UNITS = {
    InformationUnit.NET_RETURN: ("net return a day, basis points of equity", 1e4),
    InformationUnit.RANK_CORRELATION: ("rank correlation a day, in thousandths", 1e3),
}


def panel(view: ModelReportView) -> Panel:
    """Return the gain by events with its interval, the first measure that is known, on an axis that holds zero."""
    known = [one for one in view.information if all(map(scales.drawable, (one.estimate, one.low, one.high)))]
    if not known:
        why = "Too few days in common." if view.information else "No model without events ran beside this one."
        return Panel("information", "What events add: not measured", why)
    found = known[0]
    unit, scale = _UNITS[found.unit]
    title = _title(found)
    line = ("with events", scale * found.estimate, scale * found.low, scale * found.high)
    return Panel("information", title, _CAPTION, drawn([line], unit, title, plus=True), _facts(found))


def _title(found: InformationView) -> str:
    if found.low > 0.0:
        return "Events help out of sample: the whole interval lies above 0"
    if found.high < 0.0:
        return "Events hurt out of sample: the whole interval lies below 0"
    return "Whether events help out of sample nobody can tell"


def _facts(found: InformationView) -> tuple[tuple[str, str], ...]:
    return (("p-value of no gain", probability(found.p)), ("Days in common", count(found.days)))
