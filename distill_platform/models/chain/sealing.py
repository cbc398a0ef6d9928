"""Sealing a fitted model: what its manifest says of it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from distill_platform.core.errors import ArtifactMalformed
from distill_platform.models.artifacts.manifest import (
    ArtifactReference,
    ManifestDraft,
    ModelType,
    Period,
    TrainingWindows,
)
from distill_platform.models.chain.entrants import Entrant
from distill_platform.models.chain.fitted import Fitted, normalization_of
from distill_platform.models.chain.material import Material
from distill_platform.models.ensemble import Ensemble
from distill_platform.models.positions import SizingSettings
from distill_platform.models.tsmixer.student import Student
from distill_platform.models.validation.windows import Window


def fitted_draft(material: Material, fitted: Fitted, version: str, code_version: str, trials: int) -> ManifestDraft:
    """Return the manifest of a fitted model, but for its files; `trials` is how many were tried to find it."""
    model = fitted.model
    tokens = model.n_tokens if isinstance(model, Student) else 1
    return ManifestDraft(
        **_common(material, code_version, trials),
        type=ModelType(model.kind),
        name=fitted.name,
        version=version,
        feature_names=list(model.feature_names),
        normalization={**normalization_of(model), "score_scale": fitted.scale},
        n_tokens=tokens,
        n_channels=len(model.feature_names),
        ensemble_policy=None,
        ensemble_alpha=None,
        folds=fitted.report["folds"],
        train_report_hash=fitted.report_sha256,
        teacher_proof=fitted.teacher_proof,
        parents=[],
    )


def ensemble_draft(
    material: Material,
    entrant: Entrant,
    members: list[tuple[ArtifactReference, Fitted]],
    version: str,
    code_version: str,
    trials: int,
) -> ManifestDraft:
    """Return the manifest of a policy over members that are sealed already, with the sizes that it is judged by.

    TypeError for an entrant that is no ensemble.
    """
    model, first = entrant.model, members[0][1]
    if not isinstance(model, Ensemble):
        raise TypeError(f"{entrant.name} is no ensemble")
    proofs = [fitted.teacher_proof for _, fitted in members if fitted.teacher_proof is not None]
    return ManifestDraft(
        **_common(material, code_version, trials),
        type=ModelType.ENSEMBLE,
        name=entrant.name,
        version=version,
        feature_names=list(model.feature_names),
        normalization={"method": "members", "score_scale": 1.0, "sizing": entrant.sizing.model_dump()},
        n_tokens=max(fitted.model.n_tokens if isinstance(fitted.model, Student) else 1 for _, fitted in members),
        n_channels=len(model.feature_names),
        ensemble_policy=str(model.policy),
        ensemble_alpha=model.policy.alpha,
        folds=first.report["folds"],
        train_report_hash=first.report_sha256,
        teacher_proof=proofs[0] if proofs else None,
        parents=[reference for reference, _ in members],
    )


def score_scale(manifest: ManifestDraft) -> float:
    """Return the unit of a sealed model's scores; ArtifactMalformed for a manifest that does not say it."""
    told = manifest.normalization
    scale = told.get("score_scale") if isinstance(told, dict) else None
    if not isinstance(scale, float) or not scale > 0.0:
        raise ArtifactMalformed(f"{manifest.name} {manifest.version} does not say in what unit it scores")
    return scale


def sizing_of(manifest: ManifestDraft) -> SizingSettings:
    """Return how a sealed model sizes positions: as it was judged. ArtifactMalformed for one that does not say it."""
    told = manifest.normalization
    try:
        return SizingSettings.model_validate(told.get("sizing") if isinstance(told, dict) else None)
    except ValidationError:
        message = f"{manifest.name} {manifest.version} does not say how it sizes positions"
        raise ArtifactMalformed(message, hint="Only candidates are served: fit and seal it again") from None


def _common(material: Material, code_version: str, trials: int) -> dict[str, Any]:
    line, windows, versions = material.line, material.windows, material.frame.features.versions
    return {
        "schema_version": 1,
        "line": line.name,
        "feature_payload_schema_version": versions.schema_hash,
        "feature_version": versions.feature_version,
        "data_version": versions.data_version,
        "lineage_id": versions.lineage_id,
        "data_range": _period(windows.search),
        "windows": TrainingWindows(
            search=_period(windows.search), validation=_period(windows.validation), forward=_period(windows.forward)
        ),
        "seed": line.teacher.seed,
        "trial_count": trials,
        "code_version": code_version,
    }


def _period(window: Window) -> Period:
    return Period.of_ns(window.start_ns, window.end_ns)
