"""Registering: telling a line's registry of models that were sealed, and of the arms that are frozen."""

from __future__ import annotations

from distill_platform.core.canon import sig_hash
from distill_platform.core.utc import from_epoch
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.chain.material import Material
from distill_platform.models.model_event import ModelEvent, ModelEventKind
from distill_platform.models.registry import record_event, registry_view
from distill_platform.models.stage import Models, code_version
from distill_platform.models.weeks import end_ns

ACTOR = "models"


def version_of(material: Material, week: str) -> str:
    """Return the version of what is fitted in a week: another one for other data, settings or code."""
    made_of = [material.frame.features.versions.lineage_id, material.line.sha256, code_version()]
    return f"{week}.{sig_hash(made_of)[:12]}"


def register(models: Models, reference: ArtifactReference, week: str) -> ArtifactReference:
    """Return the artifact, which the registry of its line knows from now on."""
    if registry_view(models.ledger, reference.line).standing(reference.artifact_sha256) is None:
        _record(models, ModelEventKind.REGISTERED, reference, week, f"fitted for the week of {week}")
    return reference


def freeze(models: Models, reference: ArtifactReference, arm: str, week: str) -> None:
    """Freeze a registered artifact as a control arm, for ever; whoever froze another one first wins."""
    register(models, reference, week)
    if arm not in registry_view(models.ledger, reference.line).arms:
        _record(models, ModelEventKind.FROZEN, reference, week, f"first fitted for the week of {week}", arm=arm)


def _record(
    models: Models,
    kind: ModelEventKind,
    reference: ArtifactReference,
    week: str,
    reason: str,
    arm: str | None = None,
) -> None:
    """Record an event as of the end of its week: what counts is the data it was decided on, not when it was run."""
    event = ModelEvent(
        event_id=f"{kind.value}-{reference.artifact_sha256[:32]}",
        kind=kind,
        artifact=reference,
        decided_at=from_epoch(end_ns(week) / 10**9),
        actor=ACTOR,
        reason=reason,
        arm=arm,
    )
    record_event(models.ledger, event)
