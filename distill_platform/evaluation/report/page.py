"""The report as one page: no script, nothing from outside, readable on a telephone and on paper.

Whatever came with the run is foreign text: the template escapes all of it, and what cannot be seen is made visible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from distill_platform.core.utc import iso
from distill_platform.evaluation.report import measured
from distill_platform.evaluation.report.checks import Check, checks, not_configured
from distill_platform.evaluation.report.months import years
from distill_platform.evaluation.report.plots import panels
from distill_platform.evaluation.report.sentences import (
    findings,
    gate_name,
    gate_reached,
    gate_words,
    headline,
    stopped_at,
    verdict,
)
from distill_platform.evaluation.report.view import ReportView
from distill_platform.pages import wording
from distill_platform.pages.rendering import Section, render
from distill_platform.pages.scales import MONTHS
from distill_platform.pages.wording import count, percent, probability, ratio, signed
from distill_platform.policy.gates import GateResult

PACKAGE = "distill_platform.evaluation.report"
"""Where the templates of the evaluation lie."""

_ALARMS = {True: "raised", False: "not raised", None: "not looked at"}


def html(view: ReportView) -> str:
    """Return the report as one self-contained HTML page."""
    sections = (_scenarios(view), _regimes(view), _portfolio(view), _nodes(view), _gaming(view), _integrity(view))
    return render(
        PACKAGE,
        "page.html",
        manifest=view.manifest,
        verdict=verdict(view),
        status=status_of(view),
        headline=headline(view),
        gate_reached=gate_reached(view),
        recommended=measured.plain(view.summary.recommended_stage),
        counts=_counts(view),
        tiles=_tiles(view),
        checks=[_strip(check) for check in checks(view)],
        not_configured=wording.listed(not_configured(view)),
        findings=findings(view),
        gates=[_gate(gate) for gate in view.gates],
        panels=panels(view),
        years=years(view.daily),
        months=MONTHS,
        sections=sections,
        metrics=_metrics(view),
        origin=_origin(view),
    )


def status_of(view: ReportView) -> str:
    """Return pass, warn or fail: what the page is coloured by. A gate that is closed to the run is no pass."""
    worst = view.broken or view.summary.status not in ("pass", "warn")
    return "fail" if worst else "warn" if view.summary.status == "warn" or stopped_at(view) else "pass"


def _counts(view: ReportView) -> str:
    release = view.release
    mine = "Counts for a release." if release.counts else f"Monitor only, for a release: {'; '.join(release.reasons)}."
    excluded = sum(number for _, number in release.excluded)
    return f"{mine} Of its cohort {wording.several(release.counted, 'run')} count, {excluded:,} are excluded."


def _tiles(view: ReportView) -> list[tuple[str, str, str]]:
    trials, number = view.trials, view.number
    return [
        ("Sharpe ratio, net", measured.sharpe(view), "a year, ± one standard error"),
        ("Deflated Sharpe ratio", probability(trials.dsr), f"after {wording.several(trials.n, 'trial')}"),
        ("Out of sample", percent(number("wf.oos_sum_pnl")), _folds(view)),
        ("Deepest fall", percent(number("returns.max_drawdown")), f"ES 99 {percent(number('returns.es_99'))}"),
        ("Break-even", measured.shown("stress.breakeven_bps", view.costs.breakeven_bps), "of added costs"),
        ("History", measured.shown("sample.effective_history_years", number("sample.effective_history_years")),
         _amounts(view)),
    ]  # fmt: skip


def _amounts(view: ReportView) -> str:
    days, trades = view.number("sample.observation_days"), view.number("sample.n_trades_total")
    known = [f"{count(number)} {noun}" for number, noun in ((days, "days"), (trades, "trades")) if number >= 0]
    return ", ".join(known) or "days and trades unknown"


def _folds(view: ReportView) -> str:
    known = [fold.pnl_oos for fold in view.folds if math.isfinite(fold.pnl_oos)]
    return f"{sum(made > 0 for made in known)} of {len(known)} folds made money" if known else "no folds handed in"


def _strip(check: Check) -> dict[str, Any]:
    """Return a check as the verdict strip shows it: its bar grows from the threshold to the side it lies on."""
    names = ("name", "rule", "observed_text", "threshold_text", "margin_text", "status", "severity")
    shown = {name: getattr(check, name) for name in names}
    width = None if math.isnan(check.room) else f"{max(50 * abs(check.room), 0.7):.1f}"
    side = "pass" if check.margin >= 0 else "fail"
    text = check.status if check.severity == "blocking" else f"{check.status}, {check.severity}"
    return shown | {"bar_width": width, "side": side, "status_text": text}


def _gate(gate: GateResult) -> dict[str, Any]:
    name = gate_name(gate)
    why = "; ".join(gate.reasons) if gate.judged else ""
    return {
        "name": name[:1].upper() + name[1:],
        "status": str(gate.status),
        "judged": gate.judged,
        "words": gate_words(gate),
        "why": why,
    }


def _scenarios(view: ReportView) -> Section:
    rows = [
        (line.name, ratio(line.net_sharpe), percent(line.max_drawdown), percent(line.es_99), percent(line.total_return),
         _bounds(line.min_net_sharpe, line.max_drawdown_limit, line.max_es_99))
        for line in view.scenarios
    ]  # fmt: skip
    head = ("Scenario", "Sharpe ratio", "Deepest fall", "ES 99", "Total return", "Bounds of the policy")
    return Section("Stress", head, rows, "The world's policy has no stress grid.", numeric=(1, 2, 3, 4))


def _bounds(least: float | None, fall: float | None, shortfall: float | None) -> str:
    parts = [f"Sharpe ratio at least {ratio(least)}"] if least is not None else []
    parts += [f"fall at most {percent(fall)}"] if fall is not None else []
    parts += [f"ES 99 at most {percent(shortfall)}"] if shortfall is not None else []
    return ", ".join(parts) or "none"


def _regimes(view: ReportView) -> Section:
    rows = [
        (line.name, count(line.days), wording.with_error(line.sharpe, line.standard_error),
         percent(line.total_return), percent(line.max_drawdown))
        for line in view.regimes
    ]  # fmt: skip
    head = ("Regime", "Days", "Sharpe ratio", "Total return", "Deepest fall")
    return Section("Regimes", head, rows, "Not measured: no regimes were told apart.", numeric=(1, 2, 3, 4))


def _portfolio(view: ReportView) -> Section:
    number = view.number
    text = (
        f"Correlations: {measured.shown('', view.metrics.get('portfolio.correlation_source'))}. "
        f"Sharpe ratio added to the portfolio: {signed(number('portfolio.portfolio_sharpe_uplift'))}. "
        f"Marginal VaR 99 and ES 99: {percent(number('portfolio.marginal_var_99'), 2)} and "
        f"{percent(number('portfolio.marginal_es_99'), 2)}."
    )
    rows = [(line.strategy_id, ratio(line.correlation), ratio(line.tail_correlation)) for line in view.correlations]
    empty = "No other strategy to compare with."
    return Section("Portfolio fit", ("With", "Correlation", "On its worst days"), rows, empty, text, (1, 2))


def _nodes(view: ReportView) -> Section:
    rows = [
        (node.name, signed(node.uplift), f"{signed(node.low)} to {signed(node.high)}",
         ", ".join(f"{name} {signed(uplift)}" for name, uplift in node.by_regime))
        for node in view.contributions
    ]  # fmt: skip
    empty = "Not measured: no run with a node switched off was handed in."
    head = ("Node", "Added Sharpe ratio", "Interval", "By regime")
    return Section("What each node adds", head, rows, empty, numeric=(1, 2))


def _gaming(view: ReportView) -> Section:
    rows = [(measured.plain(flag.flag), _ALARMS[flag.raised], flag.sentence) for flag in view.gaming]
    return Section("Ways to pass without being good", ("Sign", "Status", "Why"), rows, "Not looked at.")


def _integrity(view: ReportView) -> Section:
    words = {True: "holds", False: "does not hold"}
    rows = [(name, words.get(value, "not checked"), _definition(name)) for name, value in _invariants(view)]  # type: ignore[call-overload]
    text = " ".join(note if note.endswith(".") else f"{note}." for note in view.notes)
    return Section("Integrity", ("Invariant", "Status", "It says that"), rows, "No invariant was checked.", text)


def _invariants(view: ReportView) -> list[tuple[str, object]]:
    found: dict[str, object] = dict(view.group("invariants"))
    return sorted((found | dict.fromkeys(view.broken, False)).items())


def _definition(invariant: str) -> str:
    return measured.definition(f"invariants.{invariant}")


def _metrics(view: ReportView) -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(view.metrics):
        group, _, leaf = name.partition(".")
        groups.setdefault(group, []).append((leaf, measured.shown(name, view.metrics[name])))
    return sorted(groups.items())


def _origin(view: ReportView) -> Sequence[tuple[str, str]]:
    manifest, policy = view.manifest, view.policy
    return [
        ("Bundle, SHA-256", view.bundle_sha256),
        ("Policy", f"version {policy.version}, profile {policy.profile}, tier {policy.risk_tier}"),
        ("Rule set, SHA-256", policy.ruleset_hash),
        ("Window", f"{iso(manifest.window.start)} to {iso(manifest.window.end)}"),
        ("As of", iso(manifest.as_of)),
        ("Data", manifest.data_preset),
        ("Dataset fingerprint", manifest.dataset_fingerprint),
        ("Code", f"{manifest.code_version}, commit {manifest.commit_sha}"),
        ("Cohort, campaign", f"{manifest.cohort_id}, {manifest.campaign_id}"),
        ("Source of run, scores, data", f"{manifest.run_source}, {manifest.score_source}, {manifest.data_regime}"),
    ]
