"""Loading: from verified bytes to a model that scores. No parser of a model's files is reached in any other way.

A text of trees with one letter changed can predict something else without a word, or end the process: hence `Verified`
is the only thing that these functions take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import cast

from distill_platform.core.errors import ArtifactMalformed
from distill_platform.models.artifacts.manifest import ArtifactManifest, ArtifactReference, ModelType
from distill_platform.models.artifacts.store import ArtifactStore
from distill_platform.models.artifacts.verifying import Verified
from distill_platform.models.scoring import Scorer

FromFiles = Callable[[Mapping[str, bytes]], Scorer]

# Named, and imported when one of them is loaded: the libraries behind them are heavy.
_FROM_FILES = {
    ModelType.RIDGE: "distill_platform.models.ridge:ridge_from_files",
    ModelType.LIGHTGBM: "distill_platform.models.boosting:boosting_from_files",
    ModelType.TSMIXER: "distill_platform.models.tsmixer.student:Student.from_files",
}
_HINT = "Its training and its sealing do not agree: seal it again from its training"


@dataclass(frozen=True)
class LoadedModel:
    """A verified artifact with what scores for it: itself, or the members of an ensemble in the order of `parents`."""

    verified: Verified
    members: tuple[tuple[Verified, Scorer], ...]


def load_model(store: ArtifactStore, reference: ArtifactReference) -> LoadedModel:
    """Return the model that is asked for, its members included; ArtifactRefused if it or one of them is not sound."""
    verified = store.open(reference)
    if verified.manifest.type is not ModelType.ENSEMBLE:
        return LoadedModel(verified, ((verified, load_scorer(verified)),))
    members = [store.open(parent) for parent in verified.manifest.parents]
    return LoadedModel(verified, tuple((member, load_scorer(member)) for member in members))


def load_scorer(verified: Verified) -> Scorer:
    """Return the model in a verified artifact.

    Raises ArtifactMalformed for an ensemble, which has no model of its own, and for files that hold another model than
    the manifest says; ModelError for files that hold none.
    """
    manifest = verified.manifest
    if manifest.type not in _FROM_FILES:
        message = f"{manifest.name} {manifest.version} is of type {manifest.type}: its members score, and not itself"
        raise ArtifactMalformed(message, hint="Load it with `load_model`; members of an ensemble are no ensembles")
    scorer = _from_files(manifest.type)(verified.files)
    _refuse_other_model(manifest, scorer)
    return scorer


def _from_files(kind: ModelType) -> FromFiles:
    module, _, name = _FROM_FILES[kind].partition(":")
    return cast(FromFiles, attrgetter(name)(import_module(module)))


def _refuse_other_model(manifest: ArtifactManifest, scorer: Scorer) -> None:
    told = (manifest.type.value, tuple(manifest.feature_names))
    if told != (scorer.kind, tuple(scorer.feature_names)):
        message = f"the files of {manifest.name} {manifest.version} hold another model: a {scorer.kind}"
        raise ArtifactMalformed(message, hint=_HINT)
