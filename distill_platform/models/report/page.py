"""The report on a model as one page: no script, nothing from outside, readable on a telephone and on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence

from distill_platform.core.utc import iso
from distill_platform.models.report import sentences
from distill_platform.models.report.plots import panels
from distill_platform.models.report.view import Decision, IdentityView, ModelReportView, WindowView
from distill_platform.pages.rendering import Section, render
from distill_platform.pages.wording import count, listed, probability, ratio, several, signed, visible

PACKAGE = "distill_platform.models.report"
"""Where the templates of the models lie."""

_WORST_DRIFT = 15


def html(view: ModelReportView) -> str:
    """Return the report as one self-contained HTML page."""
    return render(
        PACKAGE,
        "model.html",
        identity=view.identity,
        verdict=sentences.verdict(view),
        status=sentences.status(view),
        headline=sentences.headline(view),
        what=what_it_is(view.identity),
        tiles=_tiles(view),
        reasons=sentences.reason_rows(view),
        nothing_against=nothing_against(view),
        leniency=sentences.leniency(view),
        results=_results(view),
        panels=panels(view),
        sections=sections(view),
        origin=origin(view),
    )


def what_it_is(identity: IdentityView) -> str:
    """Return line, week, role, family and policy of a model in one line."""
    policy = f", policy {identity.policy}" if identity.policy else ""
    role = sentences.role_name(identity.role)
    return f"line {identity.line}, week {identity.week}, {role}, {identity.kind}{policy}, world {identity.world_id}"


def nothing_against(view: ModelReportView) -> str:
    """Return what stands where the reasons would; "" for a model that is not up for promotion."""
    by_decision = {Decision.RECOMMENDED: sentences.NOTHING_AGAINST, Decision.REFUSED: "No reason was given."}
    return by_decision.get(view.verdict.decision, "")


def sections(view: ModelReportView) -> tuple[Section, ...]:
    """Return the tables of a report, in their order."""
    return (_folds(view), _information(view), _trials(view), _findings(view), _importance(view), _drift(view))


def origin(view: ModelReportView) -> Sequence[tuple[str, str]]:
    """Return who the model is, what it must be fed with, and what proves its training."""
    who, contract = view.identity, view.contract
    return [
        ("Artifact, SHA-256", who.artifact_sha256),
        ("Name, version", f"{who.name}, {who.version}"),
        ("Run", who.run_id),
        ("Symbols", listed(list(who.symbols))),
        ("Fitted on", f"{iso(who.fitted_from)} to {iso(who.fitted_to)}"),
        *((f"{window.name.capitalize()} window", _span(window)) for window in view.windows),
        ("Seeds", ", ".join(f"{name} {seed}" for name, seed in who.seeds) or "none"),
        ("Code", who.code_version),
        ("Feature schema, SHA-256", contract.versions.schema_hash),
        ("Feature version", contract.versions.feature_version),
        ("Data version", contract.versions.data_version),
        ("Lineage", contract.versions.lineage_id),
        ("Reads", f"{several(contract.tokens, 'bar')} of {several(contract.channels, 'feature')}"),
        ("Training report, SHA-256", contract.train_report_sha256),
        ("Proof that its teacher was out of fold", contract.teacher_proof or "it has no teacher"),
    ]


def _tiles(view: ModelReportView) -> list[tuple[str, str, str]]:
    null = view.null
    permuted = "nobody looked" if null is None else f"the teacher's {several(len(null.values), 'run')} on moved labels"
    return [
        ("Rank correlation", ratio(view.mean_rank_ic, 3), f"out of fold, {several(len(view.folds), 'fold')}"),
        ("p against luck", probability(math.nan if null is None else null.p_value), permuted),
        ("Validation, net", *sentences.beside_arms(view, "validation")),
        ("Forward, net", *sentences.beside_arms(view, "forward")),
        ("Break-even", *sentences.breakeven(view.costs)),
        ("Tried", count(view.trials.declared), f"{count(view.trials.seen)} saw the forward window"),
    ]


def _results(view: ModelReportView) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    judged = [window for window in view.windows if window.name != "search"]
    return [
        (window.name.capitalize(), _span(window), [sentences.result_row(one) for one in view.results_in(window.name)])
        for window in judged
    ]


def _span(window: WindowView) -> str:
    return f"{iso(window.start)} to {iso(window.end)}"


def _folds(view: ModelReportView) -> Section:
    rows = [
        (str(fold.fold), count(fold.train_rows), count(fold.test_rows), count(fold.purged_rows),
         count(fold.embargoed_rows), count(fold.overlaps), ratio(fold.rank_ic, 4), ratio(fold.mse, 4),
         ratio(fold.null_mse, 4), *((fold.policy,) if _blends(view) else ()))
        for fold in view.folds
    ]  # fmt: skip
    head = ("Fold", "Trained on", "Tested on", "Purged", "Embargoed", "Overlaps left", "Rank correlation", "Error",
            "Error of the mean")  # fmt: skip
    empty = "No folds: an arm that was frozen before this week is only scored."
    text = "Rows. Errors are mean squares, on the test rows, of the scores and of the training rows' mean label."
    chosen = ("Others chose",) if _blends(view) else ()
    return Section("Folds", (*head, *chosen), rows, empty, text if rows else "", tuple(range(1, 9)))


def _blends(view: ModelReportView) -> bool:
    return any(fold.policy for fold in view.folds)


def _information(view: ModelReportView) -> Section:
    return Section("What events add", (), (), "", sentences.information(view.information))


def _trials(view: ModelReportView) -> Section:
    rows = [
        (str(look.number), look.lineage, iso(look.opened_at), look.opened_by, count(look.candidates))
        for look in view.trials.openings
    ]
    head = ("Opening", "Lineage", "Opened at", "By", "Candidates")
    return Section("Trials, and looks at the forward window", head, rows, "", sentences.trials(view), (4,))


def _findings(view: ModelReportView) -> Section:
    rows = [(visible(found.feature), sentences.sentence(found.sentence)) for found in view.findings or ()]
    return Section("What the guard found", ("Feature", "What"), rows, "", sentences.findings(view))


def _importance(view: ModelReportView) -> Section:
    found = view.importance
    rows = [(visible(name), signed(strength, 5)) for name, strength in ([] if found is None else found.features)]
    text = "" if found is None else f"Mean contribution to a score, signed, over the newest {count(found.rows)} rows."
    return Section("Importance", ("Feature", "Contribution"), rows, "Not measured: no row is explained.", text, (1,))


def _drift(view: ModelReportView) -> Section:
    rows = [
        (visible(one.feature), ratio(one.statistic, 4), ratio(one.threshold, 4), ratio(one.share))
        for one in view.worst_drift[:_WORST_DRIFT]
    ]
    empty = "Not measured: drift is measured while a model is served."
    head = ("Feature", "Drift", "Its own threshold", "Share of it")
    return Section("Drift, the worst of it", head, rows, empty, numeric=(1, 2, 3))
