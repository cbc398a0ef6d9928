"""Contenders: which of the runs that were handed in are the candidate's and the arms', of those that count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.promotion.case import ContenderRun, PromotionCase, WindowResult
from distill_platform.models.promotion.reasons import Reason, ReasonCode

FEWEST_ARMS = 2


@dataclass(frozen=True, eq=False)
class Contenders:
    """The one run of the candidate, None without one, and of each arm that has one, by its name."""

    candidate: ContenderRun | None
    arms: Mapping[str, ContenderRun]
    reasons: tuple[Reason, ...] = field(default=())

    def runs(self) -> Iterator[tuple[str, ContenderRun]]:
        """Yield what each contender is called in a sentence, and its run; the candidate first."""
        if self.candidate is not None:
            yield "the candidate", self.candidate
        for name, run in self.arms.items():
            yield f"control arm {name}", run


def contenders_of(case: PromotionCase) -> Contenders:
    """Return who takes part, from runs that count alone, and why it cannot be decided between them where it cannot.

    A run that was handed in again counts once. Several that say different things of one model refuse the case: nobody
    picks the better one.
    """
    reasons = list(_wrong_arms(case))
    candidate, why = _only(case, "the candidate", case.candidate)
    reasons += why
    arms = {}
    for name, artifact in sorted(case.arms.items()):
        run, why = _only(case, f"control arm {name}", artifact)
        reasons += why
        if run is not None:
            arms[name] = run
    return Contenders(candidate, MappingProxyType(arms), tuple(reasons))


def excluded(case: PromotionCase) -> dict[str, int]:
    """Return how many runs did not count, by what they did not count by, sorted."""
    found = Counter(", ".join(run.excluded_by) for run in case.runs if not run.counts)
    return dict(sorted(found.items()))


def _wrong_arms(case: PromotionCase) -> Iterator[Reason]:
    models = {artifact.artifact_sha256 for artifact in case.arms.values()}
    if len(models) < FEWEST_ARMS:
        sentence = f"{len(models)} control arms are frozen, and a candidate has to beat {FEWEST_ARMS}"
        yield Reason(ReasonCode.TOO_FEW_ARMS, sentence, len(models), FEWEST_ARMS)
    if case.candidate.artifact_sha256 in models:
        yield Reason(ReasonCode.CANDIDATE_IS_ARM, "the candidate is one of the control arms that it has to beat")


def _only(case: PromotionCase, who: str, artifact: ArtifactReference) -> tuple[ContenderRun | None, list[Reason]]:
    """Return the one run of a model, or None and the reason why there is none."""
    sha256 = artifact.artifact_sha256
    own = [run for run in case.runs if run.counts and run.artifact.artifact_sha256 == sha256]
    is_candidate = artifact == case.candidate
    if not own:
        code = ReasonCode.CANDIDATE_RUN_MISSING if is_candidate else ReasonCode.ARM_RUN_MISSING
        sentence = f"no run of {who} ({artifact.name} {artifact.version}) counts: prod, by a model, on live data"
        return None, [Reason(code, sentence, 0, 1)]
    if any(_content(run) != _content(own[0]) for run in own):
        code = ReasonCode.CANDIDATE_RUNS_DISAGREE if is_candidate else ReasonCode.ARM_RUNS_DISAGREE
        return None, [Reason(code, f"{len(own)} runs of {who} say different things of the same model", len(own), 1)]
    return own[0], []


def _content(run: ContenderRun) -> tuple[object, ...]:
    """Return all that a run says, so that it can be told from another one; NaN is like NaN."""
    plain = (run.artifact, run.policy, run.fitted, run.versions, run.declared_trials)
    return (*plain, _numbers(run.validation), _numbers(run.forward))


def _numbers(result: WindowResult | None) -> tuple[object, ...] | None:
    if result is None:
        return None
    daily = (result.daily.days.tobytes(), result.daily.values.tobytes())
    return result.window, *daily, *map(repr, (result.pnl_after_cost, result.max_drawdown, result.sharpe))
