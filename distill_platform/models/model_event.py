"""Events of a model: what happened to it, decided by whom, when, why and on which evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, FiniteFloat, JsonValue, StringConstraints, ValidationError, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.errors import RegistryError
from distill_platform.models.artifacts.manifest import ArtifactReference, Instant
from distill_platform.strategies.bundles.manifest import Identifier

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Share = Annotated[FiniteFloat, Field(gt=0.0, lt=1.0)]


class ModelEventKind(StrEnum):
    """What can happen to a model."""

    REGISTERED = "registered"
    FROZEN = "frozen"
    SHADOW = "shadow"
    CANARY = "canary"
    STAGE = "stage"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


_WITH_SHARE = frozenset({ModelEventKind.CANARY, ModelEventKind.STAGE})
_WITH_EVIDENCE = _WITH_SHARE | {ModelEventKind.PROMOTED, ModelEventKind.ROLLED_BACK}


class ModelEvent(StrictModel):
    """One thing that is to happen to one model.

    `event_id` is the same whenever the same event is recorded again, after a crash for instance. `decided_at` is when
    it was decided, on what was recorded by then. `share` is what a canary or a stage serves, `arm` the name of a frozen
    control arm; other kinds have neither. Steps up and rollbacks say on which `evidence` they rest.
    """

    event_id: Identifier
    kind: Annotated[ModelEventKind, BeforeValidator(ModelEventKind)]
    artifact: ArtifactReference
    decided_at: Instant
    actor: Sentence
    reason: Sentence
    evidence: dict[str, JsonValue] = Field(default_factory=dict)
    share: Share | None = None
    arm: Identifier | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.share is not None) != (self.kind in _WITH_SHARE):
            raise ValueError("a canary and a stage say which share they serve, and nothing else does")
        if (self.arm is not None) != (self.kind is ModelEventKind.FROZEN):
            raise ValueError("a frozen model says which control arm it is, and nothing else does")
        if self.kind in _WITH_EVIDENCE and not self.evidence:
            raise ValueError(f"{self.kind} rests on no evidence")
        return self

    def to_body(self) -> dict[str, Any]:
        """Return the event as the JSON value that the ledger keeps."""
        return self.model_dump(mode="json")

    @classmethod
    def from_body(cls, body: object) -> Self:
        """Return the event that a ledger body holds; RegistryError for a body that no event has."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            detail = error.errors()[0]
            place = ".".join(map(str, detail["loc"])) or "its root"
            raise RegistryError(f"an event of a model is wrong at {place}: {detail['msg']}") from None
