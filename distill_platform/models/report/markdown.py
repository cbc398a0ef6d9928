"""The report on a model as Markdown: about one printed page, the verdict first."""

from __future__ import annotations

from distill_platform.models.report import sentences
from distill_platform.models.report.page import nothing_against, origin, sections, what_it_is
from distill_platform.models.report.view import ModelReportView
from distill_platform.pages.markdown import escaped, literal, table
from distill_platform.pages.rendering import Section

_CONTENDERS = ("contender", "net", "costs", "Sharpe ratio a year", "deepest fall", "turnover", "days")


def markdown(view: ModelReportView) -> str:
    """Return the report as Markdown; what its page draws is told in numbers."""
    parts = [
        f"# {escaped(view.identity.name)}: {literal(sentences.verdict(view))}",
        escaped(what_it_is(view.identity)),
        f"**{literal(sentences.headline(view))}**",
        table(("what stands against it", "observed", "needed", "code"), sentences.reason_rows(view)),
        literal(nothing_against(view)) if not view.verdict.reasons else "",
        literal(sentences.leniency(view)),
        *_results(view),
        *(part for section in sections(view) for part in _section(section)),
        "## Who it is, and its contract",
        table(("what", "value"), origin(view)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _results(view: ModelReportView) -> list[str]:
    parts = ["## After costs, window by window"]
    for window in view.windows:
        rows = [sentences.result_row(result) for result in view.results_in(window.name)]
        if window.name != "search":
            parts += [f"### {window.name.capitalize()}", table(_CONTENDERS, rows, "No run has steps in this window.")]
    return parts


def _section(section: Section) -> list[str]:
    return [f"## {section.title}", literal(section.text), table(section.head, section.rows, literal(section.empty))]
