"""Deciding on a rollout: wait, ask for an approval, step up, or take a model back. Nothing is recorded here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import RolloutError
from distill_platform.core.utc import iso
from distill_platform.governance.recommendation import Recommendation
from distill_platform.governance.review_state import ReviewState, ReviewStatus
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.leniency import rollout_asks_less
from distill_platform.models.model_event import ModelEvent, ModelEventKind
from distill_platform.models.promotion.deciding import PromotionDecision
from distill_platform.models.registry import RecordedEvent, RegistryView, Standing
from distill_platform.models.rollout.canary import SALT, serving_salt
from distill_platform.models.rollout.observation import Observation, seen_of
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.models.rollout.steps import Step, next_step
from distill_platform.models.rollout.watch import Alarm, Watched, watch

_DAY = timedelta(days=1)
_MOST_REASON = 2_000

DECISION, ASKS_LESS = "decision", "asks_less"
"""What a model entered by, and where its line asks less than usual: whoever approves a step has to see both."""

ACTOR = "distill rollout"
"""Who records what a rollout does by itself."""


class ActionKind(StrEnum):
    """What a rollout does next with one model."""

    WAIT = "wait"
    PROPOSE = "propose"
    STEP_UP = "step_up"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True)
class Approvers:
    """The world that a model trades in, and whom it names to decide."""

    world_id: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Action:
    """What to do with one model and why; with the event or the recommendation to be recorded, if there is one."""

    kind: ActionKind
    artifact: ArtifactReference
    sentence: str
    watched: Watched = field(repr=False)
    event: ModelEvent | None = field(default=None, repr=False)
    recommendation: Recommendation | None = field(default=None, repr=False)


def shadow_event(decision: PromotionDecision, artifact: ArtifactReference, decided_at: datetime) -> ModelEvent:
    """Return the event that puts a recommended candidate into shadow, where it scores and nobody acts on it.

    Raises RolloutError for a candidate that was refused, and for another artifact than was decided on.
    """
    if not decision.is_recommended or decision.artifact_sha256 != artifact.artifact_sha256:
        raise RolloutError(f"{artifact.name} {artifact.version} was not recommended", hint="Read its promotion report")
    reason = "it beat the control arms in both windows after costs"
    evidence = {DECISION: decision.sha256, ASKS_LESS: list(decision.asks_less)}
    return _event(ModelEventKind.SHADOW, artifact, decided_at, reason, evidence)


def next_action(
    view: RegistryView,
    standing: Standing,
    observations: Iterable[Observation],
    reviews: Mapping[str, ReviewState],
    approvers: Approvers,
    settings: RolloutSettings,
    as_of: datetime,
) -> Action:
    """Return what to do with one model that is watched, by what is known at `as_of`, the end of a day.

    Observations of other models, of days before it came to stand where it stands, and of days after `as_of` do not
    count. An alarm takes it back, whatever was approved. A step up takes days that pass, the last of them seen, and an
    approved review that names this artifact, this step and this evidence. `reviews` are by id. Raises SaltChanged for a
    step up under another salt than the canary's, RolloutError for a moment without a zone. The same input gives the
    same action, with the same event.
    """
    by_number = {each.number: _settled_at(each) for each in view.history}
    since = min(standing.since, by_number[standing.number])
    watched = watch(seen_of(observations, standing.artifact.artifact_sha256, since, as_of), settings)
    if as_of < _settled_at(view.history[-1]):
        return _wait(standing, watched, "the line has moved on since: this day is late")
    if watched.alarm is not None:
        return _rollback(standing, watched, watched.alarm, as_of)
    step = next_step(standing, settings)
    if step is None:
        return _wait(standing, watched, "it serves, and nothing is wrong with it")
    if len(watched.passed) < settings.min_days or watched.failures_in_a_row:
        said = f"{len(watched.passed)} of {settings.min_days} days have passed, {watched.failures_in_a_row} failed last"
        return _wait(standing, watched, said)
    return _step_up(view, standing, watched, step, reviews, approvers, settings, as_of)


def _settled_at(recorded: RecordedEvent) -> datetime:
    """Return when an event was decided; when it was recorded, if it says that it was decided later than that.

    A moment of decision is what somebody says: one in the far future must not keep a model from being taken back.
    """
    return min(recorded.event.decided_at, recorded.recorded_at)


def _step_up(
    view: RegistryView,
    standing: Standing,
    watched: Watched,
    step: Step,
    reviews: Mapping[str, ReviewState],
    approvers: Approvers,
    settings: RolloutSettings,
    as_of: datetime,
) -> Action:
    salt = serving_salt(view, standing.artifact.artifact_sha256, settings)
    entered_by = _entered_by(view, standing.artifact)
    lenient = [*entered_by.get(ASKS_LESS, []), *rollout_asks_less(settings)]
    shown = {**entered_by, ASKS_LESS: lenient, SALT: salt}
    wanted = _recommendation(standing, watched, step, approvers, settings, shown)
    review = reviews.get(wanted.id)
    artifact = standing.artifact
    if review is None or review.recommendation.sha256 != wanted.sha256:
        if review is not None and review.status is ReviewStatus.REJECTED:
            return _wait(standing, watched, f"{wanted.id} was rejected")
        return Action(ActionKind.PROPOSE, artifact, wanted.summary, watched, recommendation=wanted)
    if review.status is not ReviewStatus.APPROVED:
        return _wait(standing, watched, f"{wanted.id} is {review.status}")
    if watched.seen.days[-1].at + _DAY <= as_of:
        return _wait(standing, watched, f"nobody has seen it since {iso(watched.seen.days[-1].at)}")
    names = [each.decision.actor for each in review.approvals]
    evidence = {"review": wanted.id, "recommendation": wanted.sha256, "approved_by": names, SALT: salt}
    reason = f"{step.name} was approved by {', '.join(names)}"
    event = _event(step.kind, artifact, as_of, reason, evidence, step.share)
    return Action(ActionKind.STEP_UP, artifact, reason, watched, event)


def _recommendation(
    standing: Standing,
    watched: Watched,
    step: Step,
    approvers: Approvers,
    settings: RolloutSettings,
    shown: Mapping[str, Any],
) -> Recommendation:
    """Return what is asked for. Its evidence are the first days that passed, so that later ones do not expire it."""
    artifact = standing.artifact
    share = "all units" if step.share is None else f"{step.share:.0%} of the units"
    days: list[Any] = [iso(at) for at in watched.passed[: settings.min_days]]
    return Recommendation(
        subject={name: str(value) for name, value in artifact.model_dump().items()},
        action=step.name,
        summary=f"Let {artifact.name} {artifact.version} of {artifact.line} serve {share}",
        evidence={**shown, "standing_since": standing.number, "days_passed": days},
        world_id=approvers.world_id,
        keys_needed=step.keys,
        approvers=list(approvers.names),
    )


def _entered_by(view: RegistryView, artifact: ArtifactReference) -> dict[str, Any]:
    """Return what the model entered the rollout by, of its latest entry."""
    entries = [each for each in view.history_of(artifact.artifact_sha256) if each.event.kind is ModelEventKind.SHADOW]
    evidence = entries[-1].event.evidence if entries else {}
    return {name: evidence[name] for name in (DECISION, ASKS_LESS) if name in evidence}


def _rollback(standing: Standing, watched: Watched, alarm: Alarm, as_of: datetime) -> Action:
    evidence: dict[str, Any] = {
        "alarm": alarm.code.value,
        "at": iso(alarm.at),
        "observed": alarm.observed if abs(alarm.observed) < float("inf") else None,
        "threshold": alarm.threshold,
        "days_failed": [[iso(at), why] for at, why in watched.failed],
    }
    reason = alarm.sentence[:_MOST_REASON]  # the evidence has the whole of it
    event = _event(ModelEventKind.ROLLED_BACK, standing.artifact, as_of, reason, evidence)
    return Action(ActionKind.ROLL_BACK, standing.artifact, alarm.sentence, watched, event)


def _wait(standing: Standing, watched: Watched, sentence: str) -> Action:
    return Action(ActionKind.WAIT, standing.artifact, sentence, watched)


def _event(
    kind: ModelEventKind,
    artifact: ArtifactReference,
    decided_at: datetime,
    reason: str,
    evidence: dict[str, Any],
    share: float | None = None,
) -> ModelEvent:
    """Return an event whose id is a hash of what it says: decided twice, it is the same event."""
    said = [kind.value, artifact.artifact_sha256, iso(decided_at), reason, evidence, share]
    return ModelEvent(
        event_id=f"{kind.value}-{sig_hash(said)[:24]}",
        kind=kind,
        artifact=artifact,
        decided_at=decided_at,
        actor=ACTOR,
        reason=reason,
        evidence=evidence,
        share=share,
    )
