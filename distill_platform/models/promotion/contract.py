"""The contract: the candidate is what it says, sees what is served, and was judged on what it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from distill_platform.core.utc import from_epoch, iso
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.frames import FrameVersions
from distill_platform.models.promotion.case import ContenderRun, PromotionCase
from distill_platform.models.promotion.contenders import Contenders
from distill_platform.models.promotion.reasons import Reason, ReasonCode
from distill_platform.models.validation.windows import Window

_VERSIONS = {
    "schema_hash": ReasonCode.SCHEMA_MISMATCH,
    "feature_version": ReasonCode.FEATURE_VERSION_MISMATCH,
    "data_version": ReasonCode.DATA_VERSION_MISMATCH,
    "lineage_id": ReasonCode.LINEAGE_MISMATCH,
}
_SERVED = ("schema_hash", "feature_version")  # what tomorrow's data share with the ones that a model was trained on
_NS = 1e-9


def contract_reasons(case: PromotionCase, contenders: Contenders) -> Iterator[Reason]:
    """Yield what keeps the candidate from being what was judged, and from being served."""
    if contenders.candidate is not None:
        yield from _identity(case, contenders.candidate)
    yield from _strangers(case, contenders)
    for who, run in contenders.runs():
        yield from _differences(f"the frame that {who} scored", run.versions, case.sealed, tuple(_VERSIONS))
    if case.online is None:
        yield Reason(ReasonCode.ONLINE_CONTRACT_UNKNOWN, "nobody knows which features are served today")
    else:
        yield from _differences("the frame that is served today", case.online, case.sealed, _SERVED)


def window_reasons(contenders: Contenders) -> Iterator[Reason]:
    """Yield what is wrong with the windows: missing, not the same for all, not in order, or known to the model."""
    for who, run in contenders.runs():
        for name, window in _windows(run):
            if window is None:
                yield Reason(ReasonCode.WINDOW_MISSING, f"the run of {who} does not cover the {name} window")
            elif window.start_ns < run.fitted.end_ns:
                yield _in_sample(who, name, window, run.fitted)
    yield from _not_the_same(contenders)


def _identity(case: PromotionCase, run: ContenderRun) -> Iterator[Reason]:
    told, wanted = run.artifact, case.candidate
    if told != wanted:
        sentence = "the run names the candidate's artifact as another model's"
        yield Reason(ReasonCode.MODEL_MISMATCH, sentence, _name(told), _name(wanted))
    if run.policy != case.policy:
        sentence = f"the run was decided by the policy {run.policy}, and the artifact is sealed as {case.policy}"
        yield Reason(ReasonCode.POLICY_MISMATCH, sentence, run.policy, case.policy)


def _strangers(case: PromotionCase, contenders: Contenders) -> Iterator[Reason]:
    """Yield the control arms that are another line's, and those whose run names another model."""
    for arm, wanted in sorted(case.arms.items()):
        run = contenders.arms.get(arm)
        if wanted.line != case.candidate.line:
            sentence = f"control arm {arm} is of line {wanted.line}, and the candidate of {case.candidate.line}"
            yield Reason(ReasonCode.MODEL_MISMATCH, sentence, wanted.line, case.candidate.line)
        if run is not None and run.artifact != wanted:
            sentence = f"the run of control arm {arm} names its artifact as another model's"
            yield Reason(ReasonCode.MODEL_MISMATCH, sentence, _name(run.artifact), _name(wanted))


def _name(artifact: ArtifactReference) -> str:
    return f"{artifact.line}/{artifact.name}/{artifact.version}"


def _differences(what: str, seen: FrameVersions, sealed: FrameVersions, names: tuple[str, ...]) -> Iterator[Reason]:
    for name in names:
        observed, wanted = getattr(seen, name), getattr(sealed, name)
        if observed != wanted or not wanted:
            sentence = f"{what} has another {name} than the one sealed with the candidate"
            yield Reason(_VERSIONS[name], sentence, observed, wanted)


def _windows(run: ContenderRun) -> tuple[tuple[str, Window | None], ...]:
    results = (("validation", run.validation), ("forward", run.forward))
    return tuple((name, None if result is None else result.window) for name, result in results)


def _in_sample(who: str, name: str, window: Window, fitted: Window) -> Reason:
    start, end = (iso(from_epoch(moment * _NS)) for moment in (window.start_ns, fitted.end_ns))
    sentence = f"the {name} window of {who} begins at {start}, and its model knows everything before {end}"
    return Reason(ReasonCode.IN_SAMPLE, sentence, start, end)


def _not_the_same(contenders: Contenders) -> Iterator[Reason]:
    seen = [dict(_windows(run)) for _, run in contenders.runs()]
    for name in ("validation", "forward"):
        if len({window[name] for window in seen}) > 1:
            yield Reason(ReasonCode.WINDOWS_DIFFER, f"the contenders' {name} windows are not the same")
    pairs = product((each["validation"] for each in seen), (each["forward"] for each in seen))
    if any(first is not None and second is not None and first.end_ns > second.start_ns for first, second in pairs):
        yield Reason(ReasonCode.WINDOWS_OVERLAP, "the forward window begins before the validation window ends")
