"""Entering: the best of a week's recommended candidates goes into shadow, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from distill_platform.core.errors import LateModelEvent, TransitionRefused
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.model_event import ModelEventKind
from distill_platform.models.promotion.deciding import PromotionDecision
from distill_platform.models.registry import RegistryView, record_event, registry_view
from distill_platform.models.rollout.deciding import shadow_event
from distill_platform.store.ledger import Ledger


class Entered(StrEnum):
    """What becomes of a candidate after its promotion was decided."""

    SHADOW = "shadow"
    """It entered the rollout in shadow."""
    WAITS = "waits"
    """It is the best, and another challenger stands: one at a time."""
    LATE = "late"
    """It is the best, and the line has moved on since its week was over."""
    NOT = ""
    """It was refused or retired, or another one is better."""


@dataclass(frozen=True)
class Recommended:
    """A recommended candidate. `profit` is what it made in the validation window, after costs, as a share of equity."""

    artifact: ArtifactReference
    decision: PromotionDecision
    profit: float


def best_of(candidates: Sequence[Recommended]) -> Recommended | None:
    """Return the candidate with the most profit, None for none. The forward window proves, and chooses nobody."""
    return max(candidates, key=lambda each: (each.profit, each.artifact.artifact_sha256), default=None)


def enter_shadow(ledger: Ledger, best: Recommended, decided_at: datetime) -> Entered:
    """Return what becomes of the best candidate, recorded as of `decided_at`: the end of the week that it is of.

    Asked again, it says the same and records nothing. Errors: `shadow_event`, and those of the ledger.
    """
    event = shadow_event(best.decision, best.artifact, decided_at)
    if _has_entered(registry_view(ledger, best.artifact.line), best.artifact):
        return Entered.SHADOW
    try:
        record_event(ledger, event)
    except (TransitionRefused, LateModelEvent) as error:
        stands = registry_view(ledger, best.artifact.line).challenger is not None
        return Entered.WAITS if stands else Entered.LATE if isinstance(error, LateModelEvent) else Entered.NOT
    return Entered.SHADOW


def _has_entered(view: RegistryView, artifact: ArtifactReference) -> bool:
    return any(each.event.kind is ModelEventKind.SHADOW for each in view.history_of(artifact.artifact_sha256))
