"""Texts that try to be more than text, and views that hold them wherever a run may bring its own words."""

from dataclasses import replace

from distill_platform.evaluation.report.view import (
    ContributionView,
    CorrelationView,
    GamingView,
    RegimeView,
    ReleaseView,
    ReportView,
    ScenarioView,
    TriageView,
)
from distill_platform_tests.evaluation.report import views

TEXTS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "'; alert(1); '",
    "</style><b>", "</svg><b>", "<!-- ", "]]>", "{{ 7 * 7 }}", "{% raw %}", "&lt;b&gt;",
    "a | b | c", "**bold** _it_ `code`", "[x](javascript:alert(1))", "![x](http://e.org/x.png)",
    "http://e.org www.e.org", "# heading", "- item", "1. item", "> quote", "---", "===", "a\n\n# b", "a\r\n| --- |",
    "\\", "\\|", "~~x~~", "a@e.org", "safe\u202egnp.exe", "zero\u200bwidth", "\x00\x1b[31m", "\ud800", "漢字 🙂",
    "x" * 400, "$x^2$", "<https://e.org>",
)  # fmt: skip


def view_with(text: str) -> ReportView:
    """Return a full view in which every word that a run, or who judged it, may choose is that text."""
    view = views.view()
    manifest = view.manifest.model_copy(
        update=dict.fromkeys(("commit_sha", "code_version", "data_preset", "dataset_fingerprint", "strategy_id"), text)
    )
    results = tuple(result._replace(reason=text) for result in view.results)
    results = (*results, view.results[0]._replace(rule=text, reason_code=text, reason=text))
    return replace(
        view,
        manifest=manifest,
        metrics={**view.metrics, "diagnostics.returns_source": text},
        notes=(text,),
        broken=(),
        results=results,
        gates=tuple(replace(gate, reasons=(text,)) for gate in view.gates),
        gaming=(GamingView("cost_change", True, text), GamingView("duplicate_evidence", False, text)),
        scenarios=(ScenarioView(text, 0.1, 0.2, 0.3, 0.4),),
        regimes=(RegimeView(text, 100, 0.1, 0.2, 0.3, 0.4),),
        correlations=(CorrelationView(text, 0.1, 0.2),),
        contributions=(ContributionView(text, 0.1, 0.0, 0.2, ((text, 0.1),)),),
        release=ReleaseView((text,), 1, ((text, 2),)),
        triage=TriageView((text,), text),
    )
