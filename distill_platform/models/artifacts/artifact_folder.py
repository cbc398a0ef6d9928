"""An artifact's folder, read without ever leaving it: no link is followed, and only plain files are opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from distill_platform.core.errors import ArtifactMalformed
from distill_platform.models.artifacts.manifest import MANIFEST, SIGNATURE, ArtifactReference
from distill_platform.models.artifacts.trust import SIGNATURE_BYTES
from distill_platform.strategies.bundles.refusal import shown

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PLAIN = "An artifact is a folder of plain files with one name each: copy it whole from where it was sealed"


@dataclass(frozen=True)
class ArtifactLimits:
    """Bounds, inclusive, of what is read into memory before it is known to be sound."""

    manifest_bytes: int = 1_000_000
    file_bytes: int = 256 * 2**20
    files: int = 16


LIMITS = ArtifactLimits()


class ArtifactFolder:
    """An open folder; every name is looked up in this very folder, whatever its path comes to mean meanwhile."""

    def __init__(self, name: str, descriptor: int, limits: ArtifactLimits) -> None:
        self.name = name
        self._descriptor = descriptor
        self._limits = limits

    def names(self) -> frozenset[str]:
        """Return the names of all that lies there; ArtifactMalformed when that is more than an artifact has."""
        most = self._limits.files + 2
        with _disk(self.name), os.scandir(self._descriptor) as entries:
            found = [entry.name for entry in islice(entries, most + 1)]
        if len(found) > most:
            raise ArtifactMalformed(f"{self.name} holds more than {most} files", hint=_PLAIN)
        return frozenset(found)

    def read(self, name: str) -> bytes:
        """Return the bytes of one file, read once; ArtifactMalformed if it is missing, no plain file or too large."""
        place = f"{self.name}: {shown(name)}"
        with _disk(place):
            descriptor = os.open(name, _FILE_FLAGS, dir_fd=self._descriptor)
            with open(descriptor, "rb") as file:
                state = os.fstat(descriptor)
                if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
                    raise ArtifactMalformed(f"{place} is not a plain file with one name", hint=_PLAIN)
                bound = self._bound(name)
                data = file.read(bound + 1)
        if len(data) > bound:
            raise ArtifactMalformed(f"{place} has more than {bound:,} bytes", hint=_PLAIN)
        return data

    def _bound(self, name: str) -> int:
        return {MANIFEST: self._limits.manifest_bytes, SIGNATURE: SIGNATURE_BYTES}.get(name, self._limits.file_bytes)


@contextmanager
def open_artifact_folder(
    root: Path, reference: ArtifactReference, limits: ArtifactLimits = LIMITS
) -> Iterator[ArtifactFolder]:
    """Open `<root>/<line>/<artifact_sha256>`; ArtifactMalformed if it is not there, or reached through a link."""
    name = f"{reference.line}/{reference.artifact_sha256[:12]}"
    with ExitStack() as stack:
        with _disk(name):
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            for part in (reference.line, reference.artifact_sha256):
                descriptor = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
                stack.callback(os.close, descriptor)
        yield ArtifactFolder(name, descriptor, limits)


@contextmanager
def _disk(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactMalformed(f"{place} cannot be read: {error.strerror or error}", hint=_PLAIN) from None
