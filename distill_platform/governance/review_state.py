"""The state of a review: what the revisions of its stream come to, one after the other, and which cannot follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from distill_platform.core.errors import DecisionRefused, DistillError, ReviewError
from distill_platform.core.utc import iso
from distill_platform.governance.people import people, person
from distill_platform.governance.recommendation import Recommendation
from distill_platform.store.ledger import Revision

PROPOSED = "proposed"


class ReviewStatus(StrEnum):
    """Where a review stands."""

    AWAITING = "awaiting"  # fewer keys than needed have been turned
    DEFERRED = "deferred"  # somebody wants to wait, and too few want to go on
    APPROVED = "approved"
    REJECTED = "rejected"  # for ever


class Verb(StrEnum):
    """What a person can decide."""

    APPROVED = "approved"
    REJECTED = "rejected"
    DEFERRED = "deferred"


@dataclass(frozen=True)
class Decision:
    """What one person decided, on the recommendation with the hash `seen`."""

    verb: Verb
    actor: str
    reason: str
    seen: str

    @property
    def person(self) -> str:
        """Return the key of the person."""
        return person(self.actor)

    def to_body(self) -> dict[str, Any]:
        """Return what the ledger keeps; it keeps verb and actor beside it."""
        return {"reason": self.reason, "seen": self.seen}


@dataclass(frozen=True)
class RecordedDecision:
    """A decision with its revision's number and when it was recorded."""

    number: int
    recorded_at: datetime
    decision: Decision


@dataclass(frozen=True)
class ReviewState:
    """A recommendation and what was decided on it.

    `decisions` are those on what is recommended now, in order; `expired` those on earlier evidence, of which only a
    rejection counts. `proposers` are the keys of all who ever proposed it.
    """

    recommendation: Recommendation
    proposed_by: str
    proposed_at: datetime
    proposers: frozenset[str]
    number: int
    decisions: tuple[RecordedDecision, ...] = ()
    expired: tuple[RecordedDecision, ...] = field(default=(), repr=False)

    @property
    def id(self) -> str:
        """Return the name of the review."""
        return self.recommendation.id

    @property
    def status(self) -> ReviewStatus:
        """Return where the review stands; of several decisions of one person the last one counts."""
        verbs = [each.decision.verb for each in self._last().values()]
        if any(each.decision.verb is Verb.REJECTED for each in (*self.decisions, *self.expired)):
            return ReviewStatus.REJECTED
        if verbs.count(Verb.APPROVED) >= self.recommendation.keys_needed:
            return ReviewStatus.APPROVED
        return ReviewStatus.DEFERRED if Verb.DEFERRED in verbs else ReviewStatus.AWAITING

    @property
    def approvals(self) -> tuple[RecordedDecision, ...]:
        """Return the approvals that count, one for each person, in order."""
        return tuple(each for each in self._last().values() if each.decision.verb is Verb.APPROVED)

    @property
    def approved_at(self) -> datetime | None:
        """Return when the last key that was needed was turned, None unless it is approved."""
        if self.status is not ReviewStatus.APPROVED:
            return None
        return self.approvals[self.recommendation.keys_needed - 1].recorded_at

    def _last(self) -> dict[str, RecordedDecision]:
        """Return the last decision of each person, in order."""
        found = {each.decision.person: each for each in self.decisions}
        return dict(sorted(found.items(), key=lambda item: item[1].number))


def state_of(revisions: Iterable[Revision]) -> ReviewState | None:
    """Return what a stream's revisions come to, None for none; ReviewError if they could not have happened."""
    state: ReviewState | None = None
    for revision in revisions:
        try:
            state = _after(state, revision)
        except DistillError as error:
            message = f"revision {revision.number} of {revision.stream} could not have happened: {error.message}"
            raise ReviewError(message, hint="Find out who wrote it: this platform did not") from None
    return state


def after_proposal(
    state: ReviewState | None, recommendation: Recommendation, actor: str, number: int, at: datetime
) -> ReviewState:
    """Return the state after a recommendation was proposed, or proposed again on other evidence."""
    own = frozenset({person_or_machine(actor)})
    if state is None:
        return ReviewState(recommendation, actor, at, own, number)
    expired = (*state.expired, *state.decisions)
    return ReviewState(recommendation, actor, at, state.proposers | own, number, (), expired)


def refuse_impossible(state: ReviewState, decision: Decision) -> None:
    """Raise DecisionRefused unless the person may decide this now."""
    wanted, who = state.recommendation, decision.person
    if not any(char.isalnum() for char in decision.reason):
        raise DecisionRefused("a decision needs a reason", hint="Say why, in a sentence that holds in a year")
    if who in state.proposers:
        raise DecisionRefused(f"{decision.actor[:80]} proposed {state.id}", hint="Somebody else decides on it")
    approvers = people(wanted.approvers)
    if who not in approvers:
        named = ", ".join(wanted.approvers) or "nobody"
        hint = f"Its approvers are: {named}; the world {wanted.world_id} names them"
        raise DecisionRefused(f"{decision.actor[:80]} may not decide on {state.id}", hint=hint)
    if decision.seen != wanted.sha256:
        hint = f"Look again: distill review show {state.id}"
        raise DecisionRefused(f"{state.id} has other evidence than the one that was looked at", hint=hint)
    if state.status is ReviewStatus.REJECTED:
        last = next(each for each in (*state.decisions, *state.expired) if each.decision.verb is Verb.REJECTED)
        message = f"{state.id} was rejected by {last.decision.actor} at {iso(last.recorded_at)}, for ever"
        raise DecisionRefused(message, hint="Recommend something else")


def person_or_machine(actor: str) -> str:
    """Return the key of whoever proposes: a person's, or the plain name of a machine, which can propose too."""
    try:
        return person(actor)
    except DecisionRefused:
        return actor


def _after(state: ReviewState | None, revision: Revision) -> ReviewState:
    if revision.kind == PROPOSED:
        found = Recommendation.from_body(revision.body)
        if revision.stream != f"recommendation/{found.id}" or (state is not None and not may_follow(state, found)):
            raise ReviewError("it proposes what belongs elsewhere, or nothing new")
        return after_proposal(state, found, revision.actor, revision.number, revision.recorded_at)
    if state is None:
        raise ReviewError("it decides on something that nobody proposed")
    decision = _decision(revision)
    refuse_impossible(state, decision)
    recorded = RecordedDecision(revision.number, revision.recorded_at, decision)
    return replace(state, decisions=(*state.decisions, recorded), number=revision.number)


def may_follow(state: ReviewState, recommendation: Recommendation) -> bool:
    """Return whether a proposal says anything new: other evidence, keys or approvers, and not rejected before."""
    return state.status is not ReviewStatus.REJECTED and state.recommendation.sha256 != recommendation.sha256


def _decision(revision: Revision) -> Decision:
    body = revision.body
    if revision.kind not in set(Verb) or body.keys() != {"reason", "seen"}:
        raise ReviewError(f"{revision.kind} is no decision")
    if not all(isinstance(value, str) for value in body.values()):
        raise ReviewError("reason and seen of a decision are texts")
    return Decision(Verb(revision.kind), revision.actor, body["reason"], body["seen"])
