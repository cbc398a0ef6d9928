"""Loading: from verified bytes to a model that scores. No parser of a model's files is reached in any other way.

A text of trees with one letter changed can predict something else without a word, or end the process: hence `Verified`
is the only thing that these functions take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import cast

from distill_platform.core.errors import ArtifactMalformed, ArtifactMisplaced
from distill_platform.models.artifacts.manifest import ArtifactManifest, ArtifactReference, ModelType
from distill_platform.models.artifacts.store import ArtifactStore
from distill_platform.models.artifacts.verifying import Verified
from distill_platform.models.ensemble import Ensemble, Explained, ensemble_from_files
from distill_platform.models.scoring import Scorer

FromFiles = Callable[[Mapping[str, bytes]], Scorer]

# Named, and imported when one of them is loaded: the libraries behind them are heavy.
_FROM_FILES = {
    ModelType.RIDGE: "distill_platform.models.ridge:ridge_from_files",
    ModelType.LIGHTGBM: "distill_platform.models.boosting:boosting_from_files",
    ModelType.TSMIXER: "distill_platform.models.tsmixer.student:Student.from_files",
}


@dataclass(frozen=True)
class LoadedModel:
    """A verified artifact and what scores for it; `members` are the verified parents of an ensemble, in order."""

    verified: Verified
    members: tuple[Verified, ...]
    scorer: Scorer


def load_model(store: ArtifactStore, reference: ArtifactReference) -> LoadedModel:
    """Return the model that is asked for; ArtifactRefused if it, or a member of it, is not sound."""
    verified = store.open(reference)
    members = tuple(store.open(parent) for parent in verified.manifest.parents)
    return LoadedModel(verified, members, load_scorer(verified, members))


def load_scorer(verified: Verified, members: Sequence[Verified] = ()) -> Scorer:
    """Return the model in a verified artifact, which for an ensemble takes its verified members.

    Raises ArtifactMisplaced for other members than its parents, ArtifactMalformed when the files hold another model
    than the manifest says, and ModelError when they hold none.
    """
    manifest = verified.manifest
    if [member.reference for member in members] != manifest.parents:
        raise ArtifactMisplaced(f"{_named(manifest)} has other members", hint="Open the artifacts that are its parents")
    if manifest.type is ModelType.ENSEMBLE:
        scorer: Scorer = _ensemble(verified, members)
    else:
        scorer = _from_files(manifest.type)(verified.files)
    told = (manifest.type.value, tuple(manifest.feature_names))
    if told != (scorer.kind, tuple(scorer.feature_names)):
        raise _other_model(manifest, f"a {scorer.kind} of other features, or another type")
    return scorer


def _from_files(kind: ModelType) -> FromFiles:
    module, _, name = _FROM_FILES[kind].partition(":")
    return cast(FromFiles, attrgetter(name)(import_module(module)))


def _ensemble(verified: Verified, members: Sequence[Verified]) -> Ensemble:
    parts: dict[bool, Explained] = {}
    for member in members:
        is_network = member.manifest.type is ModelType.TSMIXER
        if is_network in parts or _schema(member) != _schema(verified):
            raise _other_model(verified.manifest, "two members of one sort, or one of another feature schema")
        if member.manifest.data_range.end > verified.manifest.windows.validation.start:
            said = f"{_named(member.manifest)} was fitted on what it is judged by"
            raise _other_model(verified.manifest, said)
        parts[is_network] = cast(Explained, load_scorer(member))
    ensemble = ensemble_from_files(verified.files, parts.get(False), parts.get(True))
    if str(ensemble.policy) != verified.manifest.ensemble_policy:
        raise _other_model(verified.manifest, f"the policy {ensemble.policy}")
    return ensemble


def _schema(verified: Verified) -> tuple[str, str]:
    return verified.manifest.feature_payload_schema_version, verified.manifest.feature_version


def _other_model(manifest: ArtifactManifest, found: str) -> ArtifactMalformed:
    hint = "Its training and its sealing do not agree: seal it again from its training"
    return ArtifactMalformed(f"{_named(manifest)} is not what its manifest says: {found}", hint=hint)


def _named(manifest: ArtifactManifest) -> str:
    return f"{manifest.type} {manifest.name} {manifest.version}"
