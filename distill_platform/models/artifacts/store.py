"""The store of artifacts: where models are sealed and where they are opened again, verified each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from distill_platform.models.artifacts.manifest import ArtifactReference, ManifestDraft
from distill_platform.models.artifacts.sealing import SealedArtifact, seal_artifact
from distill_platform.models.artifacts.signing import Keys
from distill_platform.models.artifacts.verifying import Verified, verify_artifact


@dataclass(frozen=True)
class ArtifactStore:
    """A folder of artifacts, with the keys that sign and that are trusted there."""

    root: Path
    keys: Keys

    def seal(self, draft: ManifestDraft, files: Mapping[str, bytes]) -> SealedArtifact:
        """Return the artifact with these files, sealed now or before; see `seal_artifact`."""
        return seal_artifact(self.root, draft, files, self.keys.signing)

    def open(self, reference: ArtifactReference) -> Verified:
        """Return the artifact that is asked for, verified; see `verify_artifact`."""
        return verify_artifact(self.root, reference, self.keys.trusted)
