"""Small artifacts and events for tests: sound in every way, one thing changed at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from distill_platform.models.artifacts.manifest import ArtifactReference, ManifestDraft
from distill_platform.models.model_event import ModelEvent, ModelEventKind

LINE = "btc_hourly"
MONDAY = datetime(2026, 4, 20, tzinfo=UTC)
FILES: Mapping[str, bytes] = {"ridge.json": b'{"coefficients":[0.25,-0.5]}', "scales.json": b'{"scale":[1.0,2.0]}'}


def weeks(start: int, end: int) -> dict[str, datetime]:
    """Return a period, in weeks before or after MONDAY."""
    return {"start": MONDAY + timedelta(weeks=start), "end": MONDAY + timedelta(weeks=end)}


def draft(**changes: Any) -> ManifestDraft:
    """Return the draft of a ridge's manifest, with changes."""
    plain: dict[str, Any] = {
        "schema_version": 1,
        "type": "ridge",
        "line": LINE,
        "name": "tabular",
        "version": "2026-04-20",
        "feature_payload_schema_version": "a" * 64,
        "feature_version": "1",
        "data_version": "b" * 64,
        "lineage_id": "c" * 64,
        "feature_names": ["return_1", "return_24"],
        "normalization": {"kind": "standard"},
        "n_tokens": 1,
        "n_channels": 2,
        "ensemble_policy": None,
        "ensemble_alpha": None,
        "data_range": weeks(-20, -8),
        "windows": {"search": weeks(-20, -8), "validation": weeks(-8, -4), "forward": weeks(-4, 0)},
        "folds": [{"fold": 0, "purged": 24, "overlaps": 0}],
        "seed": 7,
        "trial_count": 40,
        "train_report_hash": "d" * 64,
        "teacher_proof": None,
        "code_version": "0.1.0",
        "parents": [],
    }
    return ManifestDraft.model_validate(plain | changes)


def reference(name: str, digit: str = "1", version: str = "1") -> ArtifactReference:
    """Return the reference of an artifact whose hash is one digit, 64 times."""
    return ArtifactReference(line=LINE, name=name, version=version, artifact_sha256=digit * 64)


def event(kind: ModelEventKind | str, artifact: ArtifactReference, hour: int, **changes: Any) -> ModelEvent:
    """Return an event of an artifact, decided some hours after MONDAY, with what its kind asks for."""
    kind = ModelEventKind(kind)
    plain: dict[str, Any] = {
        "event_id": f"{kind}-{artifact.artifact_sha256[:4]}-{hour}",
        "kind": kind,
        "artifact": artifact,
        "decided_at": MONDAY + timedelta(hours=hour),
        "actor": "ada",
        "reason": "it was time",
        "evidence": {"report": "e" * 64},
    }
    if kind in (ModelEventKind.CANARY, ModelEventKind.STAGE):
        plain["share"] = 0.1 if kind is ModelEventKind.CANARY else 0.5
    if kind is ModelEventKind.FROZEN:
        plain["arm"] = "ridge"
    return ModelEvent.model_validate(plain | changes)
