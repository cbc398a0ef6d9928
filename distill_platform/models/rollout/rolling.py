"""Rolling: decides on each model that is watched and records what was decided, once, whoever else does the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from distill_platform.core.errors import LateModelEvent, TransitionRefused
from distill_platform.governance.review_state import ReviewState
from distill_platform.governance.reviews import find_review, propose, sound_reviews
from distill_platform.models.registry import RegistryView, Standing, record_event, registry_view
from distill_platform.models.registry_history import view_before
from distill_platform.models.rollout.deciding import ACTOR, Action, Approvers, next_action
from distill_platform.models.rollout.observation import Observation
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.store.ledger import Ledger


@dataclass(frozen=True)
class Applied:
    """What became of an action: the line after it, the review it asked for, and why it was too late, if it was."""

    action: Action
    view: RegistryView = field(repr=False)
    review: ReviewState | None = field(default=None, repr=False)
    too_late: str = ""


def roll_out(
    ledger: Ledger,
    line: str,
    observations: Collection[Observation],
    approvers: Approvers,
    settings: RolloutSettings,
    as_of: datetime,
) -> tuple[Applied, ...]:
    """Return what was done with the champion and the challenger of a line at `as_of`, the end of a day.

    Both are decided on by where the line stood before anything was done at `as_of`: run again, in another order or by
    several processes at once, it does the same and ends in the same place. Errors: `next_action`, and those of the
    ledger.
    """
    known = {state.id: state for state in sound_reviews(ledger)}
    view = view_before(ledger, line, ACTOR, as_of)
    done = []
    for standing in watched(view):
        action = next_action(view, standing, observations, known, approvers, settings, as_of)
        done.append(apply(ledger, action))  # before the next one, which may raise: a way back must not wait for it
    return tuple(done)


def watched(view: RegistryView) -> tuple[Standing, ...]:
    """Return the models of a line that are watched: its champion and its challenger, as far as there are any."""
    return tuple(standing for standing in (view.champion, view.challenger) if standing is not None)


def apply(ledger: Ledger, action: Action) -> Applied:
    """Return what became of an action, recorded now or before; one that is too late by now changes nothing."""
    line = action.artifact.line
    if action.recommendation is not None:
        review = propose(ledger, action.recommendation, ACTOR)
        return Applied(action, registry_view(ledger, line), review)
    if action.event is None:
        return Applied(action, registry_view(ledger, line))
    try:
        return Applied(action, record_event(ledger, action.event), _review_of(ledger, action))
    except (TransitionRefused, LateModelEvent) as error:
        return Applied(action, registry_view(ledger, line), too_late=str(error))


def _review_of(ledger: Ledger, action: Action) -> ReviewState | None:
    named = action.event.evidence.get("review") if action.event is not None else None
    return find_review(ledger, named) if isinstance(named, str) else None
