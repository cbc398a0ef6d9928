"""The verdict in sentences: one headline, and for everything that did not hold what, why it matters and what helps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from distill_platform.evaluation.report import explanations, measured
from distill_platform.evaluation.report.checks import Check, checks
from distill_platform.evaluation.report.view import ReportView
from distill_platform.pages.wording import listed, percent, probability, ratio, several, visible
from distill_platform.policy import catalogue
from distill_platform.policy.gates import GateResult

_GATE = re.compile(r"stage(\d+)_(\w+)")
_DOTTED = re.compile(r"[a-z_]+(?:\.[A-Za-z0-9_]+)+")
_DSR = "robustness.deflated_sharpe_ratio"
_OPEN = ("pass", "watch")
_AWAITS = "awaits "
_VERDICTS = {"pass": "Passed", "warn": "Passed with reservations", "fail": "Refused"}


@dataclass(frozen=True)
class Finding:
    """Something that did not hold: where it was looked at, what was seen, what it means and what would help."""

    where: str
    status: str
    observed: str
    meaning: str
    remedy: str

    def __str__(self) -> str:
        """Return the finding as one paragraph."""
        return " ".join(part for part in (self.observed, self.meaning, self.remedy) if part)


def verdict(view: ReportView) -> str:
    """Return the verdict in a word or three; a run with a failed gate did not pass."""
    if view.summary.status == "pass" and stopped_at(view):
        return "Stopped at a gate"
    return _VERDICTS.get(str(view.summary.status), "Refused")


def headline(view: ReportView) -> str:
    """Return the whole report in one sentence: how far the run came, and what decided."""
    if view.broken:
        return f"Refused before any metric counts: {_broken(view)}."
    if view.metrics.get("triage.no_activity") is True:
        return "Refused: it did next to nothing, and not trading is no proof of low risk."
    stopped = stopped_at(view)
    decisive = _decisive(view, stopped)
    at = f" at {gate_name(stopped)}" if stopped else ""
    if stopped or view.summary.status == "fail":
        return f"{'Refused' if view.summary.status == 'fail' else 'Stopped'}{at}: {_why(view, decisive, stopped)}."
    return f"{verdict(view)}: {_strength(view)}{_reservations(view)}.{_next(view)}"


def findings(view: ReportView) -> tuple[Finding, ...]:
    """Return everything that did not hold, the worst first: invariants, gaming, rules, gates."""
    ordered = sorted(checks(view), key=lambda check: (check.status != "fail", check.severity != "blocking"))
    failed = [_of_check(view, check) for check in ordered if check.status != "pass"]
    return (*_of_invariants(view), *_of_gaming(view), *failed, *_of_gates(view))


def stopped_at(view: ReportView) -> GateResult | None:
    """Return the gate that the run did not get through; None where it waits for a person, or for nothing."""
    closed = (gate for gate in view.gates if gate.judged and gate.status not in _OPEN)
    first = next(closed, None)
    return None if first is None or awaited(first) else first


def awaited(gate: GateResult) -> bool:
    """Return whether a gate waits for a person's decision, and for nothing else."""
    return gate.judged and any(reason.startswith(_AWAITS) for reason in gate.reasons)


def gate_name(gate: GateResult) -> str:
    """Return "stage 2 (wf)" for `stage2_wf`."""
    found = _GATE.fullmatch(str(gate.stage))
    return f"stage {found[1]} ({found[2].replace('_', ' ')})" if found else visible(gate.stage)


def gate_words(gate: GateResult) -> str:
    """Return a gate's status in words."""
    if awaited(gate):
        return "awaits a person"
    return measured.plain(str(gate.status)) if gate.judged else "not judged"


def gate_reached(view: ReportView) -> str:
    """Return the last gate that the run passed, or "none"."""
    passed = [gate for gate in view.gates if gate.status in _OPEN]
    return gate_name(passed[-1]) if passed else "none"


def _broken(view: ReportView) -> str:
    names = [visible(name.replace("_", " ")) for name in view.broken]
    return f"the bundle's own numbers disagree ({listed(names)}{' do' if len(names) > 1 else ' does'} not hold)"


def _decisive(view: ReportView, stopped: GateResult | None) -> Check | None:
    """Return the check that says best why the run failed: one that the failed gate names too, else the first."""
    failed = [check for check in checks(view) if check.status == "fail"]
    named = set(_metrics_named(stopped)) if stopped else set()
    ranked = sorted(failed, key=lambda check: (check.metric not in named, check.severity != "blocking"))
    return ranked[0] if ranked else None


def _metrics_named(gate: GateResult) -> Iterator[str]:
    for reason in gate.reasons:
        yield from (catalogue.canonical(name) for name in _DOTTED.findall(reason))


def _why(view: ReportView, decisive: Check | None, stopped: GateResult | None) -> str:
    if decisive is not None and (stopped is None or decisive.metric in set(_metrics_named(stopped))):
        return _why_check(view, decisive)
    if stopped is not None:
        return _why_gate(view, stopped)
    return "no rule was executed, and without rules nothing passes"


def _why_check(view: ReportView, check: Check) -> str:
    if check.metric == _DSR and not check.unknown:
        return f"{explanations.luck(view)} (DSR {check.observed_text}, needed {probability(check.threshold)})"
    return _observed(check).rstrip(".")


def _why_gate(view: ReportView, gate: GateResult) -> str:
    if _DSR in set(_metrics_named(gate)) and math.isfinite(view.trials.dsr):
        return f"{explanations.luck(view)} (DSR {probability(view.trials.dsr)})"
    return "; ".join(visible(reason) for reason in gate.reasons) or "the gate says no and gives no reason"


def _strength(view: ReportView) -> str:
    years = view.number("sample.effective_history_years")
    said = f"Sharpe ratio {measured.sharpe(view)} a year over {ratio(years, 1)} years"
    if view.trials.n > 1 and math.isfinite(view.trials.expected_max_sharpe):
        said += (
            f", of which luck explains {ratio(view.trials.expected_max_sharpe)} after {several(view.trials.n, 'trial')}"
        )
    return f"{said}; deepest fall {percent(view.number('returns.max_drawdown'))}"


def _reservations(view: ReportView) -> str:
    names = [check.name for check in checks(view) if check.status != "pass"]
    names += [gate_name(gate) for gate in view.gates if gate.status == "watch"]
    return f". To be watched: {listed(names)}" if names else ""


def _next(view: ReportView) -> str:
    waiting = next((gate for gate in view.gates if awaited(gate)), None)
    return f" Next, {gate_name(waiting)} {waiting.reasons[0]}." if waiting else ""


def _observed(check: Check) -> str:
    if check.metric == "":
        return _closed(visible(check.reason))
    return f"{_capital(check.name)} is {check.observed_text}; {check.threshold_text} is needed."


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _of_check(view: ReportView, check: Check) -> Finding:
    about = explanations.meaning(view, check) if check.metric else ""
    helps = explanations.remedy(view, check) if check.metric else ""
    return Finding(f"rule {check.rule}", check.status, _observed(check), about, helps)


def _of_invariants(view: ReportView) -> Iterator[Finding]:
    for name in view.broken:
        must = _defined(f"invariants.{name}", "It must hold that")
        helps = "Correct the engine's accounting and hand the run in again, under a new run_id."
        yield Finding("integrity", "fail", f"The invariant {visible(name)} does not hold.", must, helps)


def _of_gaming(view: ReportView) -> Iterator[Finding]:
    for flag in view.gaming:
        if flag.raised:
            seen = f"{_capital(measured.plain(flag.flag))}: {_closed(visible(flag.sentence))}"
            helps = "Until a person has looked into it, nothing else in this report is evidence."
            yield Finding("gaming", "fail", seen, _defined(f"gaming.{flag.flag}", "It is a sign that"), helps)


def _of_gates(view: ReportView) -> Iterator[Finding]:
    """Yield what gates say that no rule has said already."""
    said = {check.metric for check in checks(view) if check.status != "pass"}
    for gate in view.gates:
        named = list(dict.fromkeys(_metrics_named(gate)))
        if gate.judged and gate.status != "pass" and not awaited(gate) and not (named and said.issuperset(named)):
            verb = {"fail": "fails", "watch": "is to be watched"}.get(str(gate.status), "cannot be decided")
            why = "; ".join(visible(reason) for reason in gate.reasons) or "it gives no reason"
            about = " ".join(dict.fromkeys(explanations.about(view, name) for name in named if name not in said))
            yield Finding(
                gate_name(gate), str(gate.status), f"{_capital(gate_name(gate))} {verb}: {_closed(why)}", about, ""
            )


def _defined(metric: str, opening: str) -> str:
    found = catalogue.metric(metric)
    return f"{opening} {found.definition}." if found else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
