"""Verifying: hash first, then signature, then the manifest's meaning, then every file; only then may anything parse it.

Files are read into memory once, and the very bytes that were verified are what is handed out: nobody can change them
in between. Whoever asks says which artifact he expects, by hash and by name; any other one is refused, however well it
is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import ArtifactAltered, ArtifactMisplaced, ArtifactUnsigned
from distill_platform.models.artifacts.artifact_folder import (
    LIMITS,
    ArtifactFolder,
    ArtifactLimits,
    open_artifact_folder,
)
from distill_platform.models.artifacts.manifest import (
    MANIFEST,
    SIGNATURE,
    ArtifactManifest,
    ArtifactReference,
    SealedFile,
    parse_manifest,
)
from distill_platform.models.artifacts.trust import TrustedKeys
from distill_platform.strategies.bundles.refusal import shown

_SOURCE = "Copy the artifact again from where it was sealed, and keep the altered one: somebody changed it"


@dataclass(frozen=True)
class Verified:
    """An artifact that is, byte for byte, what a trusted key signed; `files` are the model's, without the manifest."""

    reference: ArtifactReference
    manifest: ArtifactManifest
    files: Mapping[str, bytes] = field(repr=False)
    key_id: str


def verify_artifact(
    root: Path, expected: ArtifactReference, trusted: TrustedKeys, *, limits: ArtifactLimits = LIMITS
) -> Verified:
    """Return the artifact `expected` below `root`, verified.

    Raises ArtifactAltered when a byte of it is not what was sealed or a file is missing or too many, ArtifactUnsigned
    when no trusted key signed it, ArtifactMisplaced when it calls itself something else than `expected`, and
    ArtifactMalformed for what is no artifact.
    """
    with open_artifact_folder(root, expected, limits) as folder:
        raw = folder.read(MANIFEST)
        _refuse_other_hash(f"{folder.name}: {MANIFEST}", raw, expected.artifact_sha256)
        key_id = trusted.verify(raw, _signature(folder))
        manifest = parse_manifest(raw)
        _refuse_misplaced(manifest, expected)
        _refuse_other_files(folder, manifest)
        files = {name: _verified(folder, name, sealed) for name, sealed in sorted(manifest.files.items())}
    return Verified(expected, manifest, MappingProxyType(files), key_id)


def _signature(folder: ArtifactFolder) -> bytes:
    if SIGNATURE not in folder.names():
        raise ArtifactUnsigned(f"{folder.name} has no {SIGNATURE}", hint="Only what was sealed and signed is loaded")
    return folder.read(SIGNATURE)


def _refuse_misplaced(manifest: ArtifactManifest, expected: ArtifactReference) -> None:
    if manifest.reference != expected:
        said = f"{manifest.line}, {manifest.name} {manifest.version}"
        wanted = f"{expected.line}, {expected.name} {expected.version}"
        hint = "It is signed for the first of them: ask for what the registry names"
        raise ArtifactMisplaced(f"artifact {expected.artifact_sha256[:12]} is {said}, not {wanted}", hint=hint)


def _refuse_other_files(folder: ArtifactFolder, manifest: ArtifactManifest) -> None:
    for name in sorted(folder.names() ^ {*manifest.files, MANIFEST, SIGNATURE}):
        said = "is missing" if name in manifest.files else "was not sealed"
        raise ArtifactAltered(f"{folder.name}: {shown(name)} {said}", hint=_SOURCE)


def _verified(folder: ArtifactFolder, name: str, sealed: SealedFile) -> bytes:
    data = folder.read(name)
    if len(data) != sealed.bytes:
        message = f"{folder.name}: {name} has {len(data):,} bytes, sealed were {sealed.bytes:,}"
        raise ArtifactAltered(message, hint=_SOURCE)
    _refuse_other_hash(f"{folder.name}: {name}", data, sealed.sha256)
    return data


def _refuse_other_hash(place: str, data: bytes, sealed: str) -> None:
    found = sha256_hex(data)
    if found != sealed:
        raise ArtifactAltered(f"{place} has the SHA-256 {found[:12]}..., sealed was {sealed[:12]}...", hint=_SOURCE)
