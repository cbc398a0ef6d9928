"""`evaluation_report.md`: about one printed page, the verdict first.

Texts that came with the run are foreign: they are written so that they can start no table cell, link, tag or line.
"""

from __future__ import annotations

from distill_platform.core.utc import iso
from distill_platform.evaluation.report import measured
from distill_platform.evaluation.report.checks import Check, checks, not_configured
from distill_platform.evaluation.report.sentences import findings, gate_name, gate_words, headline
from distill_platform.evaluation.report.view import ReportView
from distill_platform.pages import wording
from distill_platform.pages.markdown import escaped, literal, table
from distill_platform.pages.wording import percent, probability, ratio, visible
from distill_platform.policy.gates import GateResult

_MARKS = {"pass": "✓", "watch": "!", "warn": "!", "fail": "✗"}


def markdown(view: ReportView) -> str:
    """Return the report as Markdown."""
    parts = [
        f"# {_title(view)}",
        f"**{literal(headline(view))}**",
        *_findings(view),
        "## Verdict", _verdict_table(view), _not_configured(view),
        "## Gates", _gate_table(view),
        "## Evidence", _evidence(view),
        "## Gaming", _gaming(view),
        "## Portfolio and regimes", _portfolio(view), _regime_table(view),
        "## Integrity and origin", _integrity(view), _origin(view),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(view: ReportView) -> str:
    manifest = view.manifest
    return f"{escaped(manifest.strategy_id)}, run {escaped(manifest.run_id)} ({manifest.stage})"


def _findings(view: ReportView) -> list[str]:
    found = [f"- {literal(str(finding))}" for finding in findings(view)]
    return ["\n".join(found)] if found else []


def _verdict_table(view: ReportView) -> str:
    rows = [
        (check.rule, check.name, check.observed_text, check.threshold_text, check.margin_text, _status(check))
        for check in checks(view)
    ]
    return table(("rule", "what", "observed", "needed", "margin", "status"), rows, "No rule was executed.")


def _status(check: Check) -> str:
    return f"{_MARKS.get(check.status, '?')} {check.status}" + (
        "" if check.severity == "blocking" else f" ({check.severity})"
    )


def _not_configured(view: ReportView) -> str:
    names = not_configured(view)
    return f"Not asked for by this profile: {escaped(wording.listed(names))}." if names else ""


def _gate_table(view: ReportView) -> str:
    rows = [(gate_name(gate), _gate_status(gate), "; ".join(gate.reasons)) for gate in view.gates]
    return table(("gate", "status", "why"), rows, "The world's policy has no stage gates.")


def _gate_status(gate: GateResult) -> str:
    return f"{_MARKS.get(str(gate.status), '–')} {gate_words(gate)}"


def _evidence(view: ReportView) -> str:
    trials, number = view.trials, view.number
    falls = [percent(number(f"returns.{name}")) for name in ("max_drawdown", "var_99", "es_99")]
    won = percent(number("wf.fold_sign_stability"), 0)
    folds = f"{percent(number('wf.oos_sum_pnl'))} out of sample, {won} of folds made money"
    rows = [
        ("Sharpe ratio a year, net", measured.sharpe(view)),
        ("Trials counted", trials.counted),
        ("Luck alone, best of those", ratio(trials.expected_max_sharpe)),
        ("DSR, PBO, reality check p", ", ".join(map(probability, (trials.dsr, trials.pbo, trials.reality_check_p)))),
        ("Walk-forward", folds if view.folds else "not measured: no folds table was handed in"),
        ("Break-even of added costs", measured.shown("stress.breakeven_bps", view.costs.breakeven_bps)),
        ("Deepest fall, VaR 99, ES 99", ", ".join(falls)),
        *(
            (f"Under {visible(line.name)}", f"Sharpe ratio {ratio(line.net_sharpe)}, fall {percent(line.max_drawdown)}")
            for line in view.scenarios
        ),
    ]  # fmt: skip
    return table(("what", "value"), rows)


def _gaming(view: ReportView) -> str:
    words = {True: "**raised**", False: "not raised", None: "not looked at"}
    lines = [
        f"- {escaped(measured.plain(flag.flag))}: {words[flag.raised]}; {escaped(flag.sentence)}"
        for flag in view.gaming
    ]
    return "\n".join(lines) or "Not looked at."


def _portfolio(view: ReportView) -> str:
    source = measured.shown("portfolio.correlation_source", view.metrics.get("portfolio.correlation_source"))
    rows = [(line.strategy_id, ratio(line.correlation), ratio(line.tail_correlation)) for line in view.correlations]
    stated = table(("with", "correlation", "on its worst days"), rows, "No other strategy to compare with.")
    uplift = wording.signed(view.number("portfolio.portfolio_sharpe_uplift"))
    return f"Correlations: {escaped(source)}. Sharpe ratio added to the portfolio: {uplift}.\n\n{stated}"


def _regime_table(view: ReportView) -> str:
    rows = [
        (line.name, wording.count(line.days), ratio(line.sharpe), percent(line.max_drawdown)) for line in view.regimes
    ]
    return table(("regime", "days", "Sharpe ratio", "deepest fall"), rows, "Regimes: not measured.")


def _integrity(view: ReportView) -> str:
    checked = view.group("invariants")
    held = sum(value is True for value in checked.values())
    unknown = [name for name, value in checked.items() if not isinstance(value, bool) and name not in view.broken]
    said = f"{held} of {wording.several(len(checked), 'invariant')} hold."
    if view.broken:
        said += f" Broken: {escaped(', '.join(view.broken))}."
    if unknown:
        said += f" Not checked: {escaped(', '.join(unknown))}."
    return said + "".join(f"\n- {escaped(note)}" for note in view.notes)


def _origin(view: ReportView) -> str:
    manifest, policy, release = view.manifest, view.policy, view.release
    counts = "yes" if release.counts else f"no: {'; '.join(release.reasons)}"
    window = f"{iso(manifest.window.start)} to {iso(manifest.window.end)}, as of {iso(manifest.as_of)}"
    rows = [
        ("world, cohort, campaign", f"{manifest.world_id}, {manifest.cohort_id}, {manifest.campaign_id}"),
        ("window", window),
        ("data", f"{manifest.data_preset}, {manifest.dataset_fingerprint}"),
        ("code", f"{manifest.commit_sha}, version {manifest.code_version}"),
        ("bundle SHA-256", view.bundle_sha256),
        ("policy", f"version {policy.version}, profile {policy.profile}, {policy.ruleset_hash}"),
        ("counts for a release", counts),
    ]  # fmt: skip
    return table(("origin", ""), rows)
