"""Reviews: what is recommended waits in the ledger until named people have decided on it.

Stream `recommendation/<id>`: awaiting ── enough approvals ──> approved, and from both ── one rejection ──> rejected,
for ever. Whoever defers has not approved. New evidence expires what was approved on the old one.
"""

from __future__ import annotations

from dataclasses import replace

from distill_platform.core.errors import ReviewError, ReviewMissing
from distill_platform.governance.recommendation import Recommendation
from distill_platform.governance.review_state import (
    PROPOSED,
    Decision,
    RecordedDecision,
    ReviewState,
    Verb,
    after_proposal,
    may_follow,
    refuse_impossible,
    state_of,
)
from distill_platform.store.ledger import Ledger, take_turn

_PREFIX = "recommendation/"
_MOST_REASON = 2_000


def propose(ledger: Ledger, recommendation: Recommendation, actor: str) -> ReviewState:
    """Return the review of a recommendation, recorded now or before.

    The same recommendation again records nothing. Other evidence, keys or approvers are recorded and expire all
    decisions but a rejection, after which nothing is recorded any more. Errors: those of the ledger, and ReviewError
    for a stream that could not have happened.
    """
    stream = _PREFIX + recommendation.id
    while True:
        state = state_of(ledger.read(stream))
        if state is not None and not may_follow(state, recommendation):
            return state
        after, body = state.number if state else 0, recommendation.to_body()
        taken = take_turn(ledger, stream, after=after, kind=PROPOSED, body=body, actor=actor)
        if taken is not None:
            return after_proposal(state, recommendation, actor, taken.number, taken.recorded_at)


def approve(ledger: Ledger, review_id: str, actor: str, reason: str, *, seen: str | None = None) -> ReviewState:
    """Return the review after `actor` approved it; twice by one person is once.

    `seen` is the hash of the recommendation that was looked at: if there is another one by now, nothing is recorded.
    None is whatever is recommended now. Raises DecisionRefused for anybody but an approver that its world names, for
    who proposed it, for no reason and after a rejection; ReviewMissing where nothing was proposed.
    """
    return _decide(ledger, review_id, Verb.APPROVED, actor, reason, seen)


def reject(ledger: Ledger, review_id: str, actor: str, reason: str, *, seen: str | None = None) -> ReviewState:
    """Return the review after `actor` rejected it, which ends it, also when it was approved. The rest: as `approve`."""
    return _decide(ledger, review_id, Verb.REJECTED, actor, reason, seen)


def defer(ledger: Ledger, review_id: str, actor: str, reason: str, *, seen: str | None = None) -> ReviewState:
    """Return the review after `actor` put it off and took back an approval of theirs. The rest: as `approve`."""
    return _decide(ledger, review_id, Verb.DEFERRED, actor, reason, seen)


def find_review(ledger: Ledger, review_id: str) -> ReviewState | None:
    """Return a review, None where nothing was proposed under that name."""
    return state_of(ledger.read(_PREFIX + review_id))


def review_state(ledger: Ledger, review_id: str) -> ReviewState:
    """Return a review; ReviewMissing where nothing was proposed under that name."""
    state = find_review(ledger, review_id)
    if state is None:
        hint = "`distill review list` names all there are"
        raise ReviewMissing(f"nothing was recommended under {ascii(review_id)[:160]}", hint=hint)
    return state


def reviews(ledger: Ledger) -> tuple[ReviewState, ...]:
    """Return all reviews, the one that was proposed last first."""
    found = (review_state(ledger, stream.removeprefix(_PREFIX)) for stream in ledger.streams(_PREFIX))
    return tuple(sorted(found, key=lambda state: (state.proposed_at, state.id), reverse=True))


def sound_reviews(ledger: Ledger) -> tuple[ReviewState, ...]:
    """Return `reviews` without those that could not have happened: what somebody wrote into one stops no other."""
    found = []
    for stream in ledger.streams(_PREFIX):
        try:
            found.append(review_state(ledger, stream.removeprefix(_PREFIX)))
        except ReviewError:
            continue
    return tuple(sorted(found, key=lambda state: (state.proposed_at, state.id), reverse=True))


def _decide(ledger: Ledger, review_id: str, verb: Verb, actor: str, reason: str, seen: str | None) -> ReviewState:
    said = reason.strip()[:_MOST_REASON]
    while True:
        state = review_state(ledger, review_id)
        looked_at = state.recommendation.sha256 if seen is None else seen
        decision = Decision(verb, " ".join(actor.split()), said, looked_at)
        if _says_nothing_new(state, decision):
            return state
        refuse_impossible(state, decision)
        taken = take_turn(
            ledger,
            _PREFIX + review_id,
            after=state.number,
            kind=verb.value,
            body=decision.to_body(),
            actor=decision.actor,
        )
        if taken is not None:
            recorded = RecordedDecision(taken.number, taken.recorded_at, decision)
            return replace(state, decisions=(*state.decisions, recorded), number=taken.number)


def _says_nothing_new(state: ReviewState, decision: Decision) -> bool:
    """Return whether the person's last decision on the same evidence is this one."""
    own = [each.decision for each in state.decisions if each.decision.person == decision.person]
    return bool(own) and own[-1].verb is decision.verb and own[-1].seen == decision.seen
