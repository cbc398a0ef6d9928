"""Sealing: a fitted model becomes a signed folder, named by its manifest's hash. It appears whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from distill_platform.core.errors import ArtifactAltered, ArtifactMalformed
from distill_platform.models.artifacts.artifact_folder import LIMITS, ArtifactLimits, open_artifact_folder
from distill_platform.models.artifacts.manifest import (
    MANIFEST,
    SIGNATURE,
    ArtifactManifest,
    ArtifactReference,
    ManifestDraft,
)
from distill_platform.models.artifacts.signing import SigningKey
from distill_platform.store.lake import atomic
from distill_platform.store.lake.atomic import Step, no_step
from distill_platform.store.lake.scratch import scratch_folder
from distill_platform.strategies.bundles.refusal import shown

_STAGING = ".staging"


@dataclass(frozen=True)
class SealedArtifact:
    """What was sealed, and where it lies; `is_new` is False when the same content was sealed before."""

    reference: ArtifactReference
    manifest: ArtifactManifest
    folder: Path
    is_new: bool


def seal_artifact(
    root: Path,
    draft: ManifestDraft,
    files: Mapping[str, bytes],
    key: SigningKey,
    *,
    limits: ArtifactLimits = LIMITS,
    on_step: Step = no_step,
) -> SealedArtifact:
    """Return the artifact `<root>/<line>/<artifact_sha256>` with these files, sealed and signed now or before.

    The same content gives the same folder; sealed before with another key, it is signed anew by this one. Raises
    ArtifactMalformed for what no verifier would take, ArtifactAltered when the folder is there with other content, and
    LakeError when the disk refuses. `on_step` is told after every step, which is where a test pulls the plug.
    """
    manifest = draft.with_files(files)
    reference = manifest.reference
    final = root / reference.line / reference.artifact_sha256
    data = {**files, MANIFEST: manifest.to_bytes(), SIGNATURE: key.sign(manifest.to_bytes())}
    _refuse_large(data, limits)
    is_new = not os.path.lexists(final) and _publish(root, final, data, on_step)
    if not is_new and not _is_signed_alike(root, reference, data, limits):
        _sign_anew(root, final, data[SIGNATURE], on_step)
    return SealedArtifact(reference, manifest, final, is_new)


def _publish(root: Path, final: Path, data: Mapping[str, bytes], on_step: Step) -> bool:
    """Return whether the folder appeared now; False when another process was first."""
    with scratch_folder(root / _STAGING) as staged, atomic.disk_errors(final):
        for name in sorted(data):
            _write(staged / name, data[name])
            on_step(f"written {name}")
        return atomic.publish_folder(staged, final, on_step)


def _is_signed_alike(
    root: Path, reference: ArtifactReference, data: Mapping[str, bytes], limits: ArtifactLimits
) -> bool:
    """Return whether the folder that is there has the same signature; ArtifactAltered unless all else is the same."""
    with open_artifact_folder(root, reference, limits) as folder:
        names = folder.names()
        strange = sorted((names ^ data.keys()) - {SIGNATURE})
        strange += [name for name in sorted(data.keys() & names - {SIGNATURE}) if folder.read(name) != data[name]]
        if strange:
            hint = "Move the folder away, look into who changed it, and seal again"
            raise ArtifactAltered(f"{folder.name} is there, and {shown(strange[0])} is not what is sealed", hint=hint)
        return SIGNATURE in names and folder.read(SIGNATURE) == data[SIGNATURE]


def _sign_anew(root: Path, final: Path, signature: bytes, on_step: Step) -> None:
    """Put a signature in the place of another one; a reader sees the old or the new, and never a file beside it."""
    with scratch_folder(root / _STAGING) as staged, atomic.disk_errors(final):
        _write(staged / SIGNATURE, signature)
        os.replace(staged / SIGNATURE, final / SIGNATURE)
        on_step(f"replaced {SIGNATURE}")
        atomic.sync_folder(final)


def _refuse_large(data: Mapping[str, bytes], limits: ArtifactLimits) -> None:
    """Refuse what no verifier would read."""
    bounds = dict.fromkeys(data, limits.file_bytes) | {MANIFEST: limits.manifest_bytes}
    for name, bound in bounds.items():
        if len(data[name]) > bound:
            raise ArtifactMalformed(
                f"{name} has {len(data[name]):,} bytes, more than {bound:,}", hint="Fit a smaller one"
            )


def _write(path: Path, data: bytes) -> None:
    """Write a new file; its bytes are on disk when this returns."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
