"""Trust: what the world, the guards and the books say of a candidate, whatever it earned."""

from __future__ import annotations

from collections.abc import Iterator

from distill_platform.models.promotion.case import GuardFindings, PromotionCase, WorldVerdict
from distill_platform.models.promotion.contenders import Contenders
from distill_platform.models.promotion.reasons import Reason, ReasonCode
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.policy.words import GateStatus, Status

_OPEN = (GateStatus.PASS.value, GateStatus.WATCH.value)
_NAMED = 5


def verdict_reasons(verdict: WorldVerdict | None, settings: PromotionSettings) -> Iterator[Reason]:
    """Yield what its world has against a candidate; a verdict that is not there is the worst of all."""
    if verdict is None:
        sentence = "no world has judged the candidate's run as it is, by today's rules and with all trials counted"
        yield Reason(ReasonCode.VERDICT_MISSING, sentence)
        return
    accepted = [status.value for status in (Status.PASS, settings.worst_verdict)]
    if verdict.status not in accepted:
        said = "; ".join(verdict.reasons[:_NAMED]) or "it gives no reason"
        sentence = f"its world's verdict is {verdict.status}: {said}"
        yield Reason(ReasonCode.VERDICT_NOT_PASSED, sentence, verdict.status, accepted[-1])
    for gate in settings.open_gates:
        status = verdict.gates.get(gate)
        if status not in _OPEN:
            sentence = f"the gate {gate} is {status or 'not among those judged'}, and must have opened"
            yield Reason(ReasonCode.GATE_NOT_OPEN, sentence, status, "pass or watch")
    if verdict.counts_for_release is not True:
        yield Reason(ReasonCode.NOT_FOR_RELEASE, "its world only monitors the run: it does not count for release")


def finding_reasons(findings: GuardFindings | None, settings: PromotionSettings) -> Iterator[Reason]:
    """Yield what the guards found, and what they were not asked."""
    if findings is None:
        yield Reason(ReasonCode.FINDINGS_MISSING, "nobody looked for leaks, suspicious features or luck")
        return
    if not 0.0 < findings.p_value <= settings.max_p_value:
        sentence = f"the line's teacher does as well on labels shuffled in blocks too often: p = {findings.p_value:.3g}"
        yield Reason(ReasonCode.NOT_SIGNIFICANT, sentence, findings.p_value, settings.max_p_value)
    yield from _named(ReasonCode.CAUSALITY_LEAK, findings.leaks, "know the future by how they are computed")
    yield from _named(ReasonCode.SUSPICIOUS_FEATURE, findings.suspicious, "predict the label too well to be true")
    if findings.teacher_was_out_of_fold is not True:
        sentence = "there is no proof that what taught the candidate was out of fold"
        yield Reason(ReasonCode.TEACHER_NOT_PROVEN, sentence)


def book_reasons(case: PromotionCase, contenders: Contenders) -> Iterator[Reason]:
    """Yield what the books miss: the opening of the forward window, the candidate in it, and all that was tried."""
    yield from _opening(case, contenders)
    if case.honest_trials is None or not case.honest_trials >= 1:
        yield Reason(ReasonCode.TRIALS_UNKNOWN, "nobody knows how many were tried for it", case.honest_trials, 1)
        return
    known = max(case.honest_trials, 0 if case.opening is None else case.opening.trials)
    if contenders.candidate is not None and not contenders.candidate.declared_trials >= known:
        declared = contenders.candidate.declared_trials
        sentence = f"the run declares {declared} trials, and {known} are in the book"
        yield Reason(ReasonCode.TRIALS_UNDERSTATED, sentence, declared, known)


def _opening(case: PromotionCase, contenders: Contenders) -> Iterator[Reason]:
    opening, run = case.opening, contenders.candidate
    forward = None if run is None or run.forward is None else run.forward.window
    if opening is None:
        yield Reason(ReasonCode.FORWARD_NOT_OPENED, "the ledger holds no opening of the forward window")
        return
    asked, line = opening.recorded.request, case.candidate.line
    if asked.lineage != line:
        sentence = f"the opening in the ledger is that of lineage {asked.lineage}, and the candidate is of {line}"
        yield Reason(ReasonCode.FORWARD_NOT_OPENED, sentence, asked.lineage, line)
    if forward is not None and not (asked.start_ns <= forward.start_ns and forward.end_ns <= asked.end_ns):
        yield Reason(ReasonCode.FORWARD_NOT_OPENED, "the opening in the ledger is of another forward window")
    if case.candidate.artifact_sha256 not in asked.candidates:
        sentence = "the candidate is not among those that were frozen when the forward window was opened"
        yield Reason(ReasonCode.NOT_FROZEN_BEFORE_OPENING, sentence, case.candidate.artifact_sha256)


def _named(code: ReasonCode, features: tuple[str, ...] | None, what: str) -> Iterator[Reason]:
    if features is None:
        yield Reason(ReasonCode.FINDINGS_MISSING, f"nobody looked for features that {what}")
    elif features:
        more = f" and {len(features) - _NAMED} more" if len(features) > _NAMED else ""
        yield Reason(code, f"{', '.join(features[:_NAMED])}{more} {what}", len(features), 0)
