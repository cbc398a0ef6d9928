"""The bundle store: every bundle that was ever taken in, in a folder named after its hash, never changed."""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress
from pathlib import Path

from distill_platform.core.errors import CorruptDataset, MissingDataset
from distill_platform.store.lake import atomic
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.bundle_folder import open_folder
from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.reading import read_sealed
from distill_platform.strategies.bundles.refusal import BundleRefused, shown
from distill_platform.strategies.bundles.sealing import STAGING, publish_files


class BundleStore:
    """A folder of bundles, `<root>/<sha256>/`: the same bundle is there once, whoever handed it in how often."""

    def __init__(self, root: Path, *, limits: Limits = LIMITS) -> None:
        self.root = root
        self.limits = limits

    def __contains__(self, sha256: str) -> bool:
        return self._folder(sha256).is_dir()

    def put(self, folder: Path) -> str:
        """Return the sha256 under which a sealed bundle is stored now, copied byte for byte, each file verified.

        A copy that was damaged since is replaced. Raises BundleRefused when files are not what was sealed, LakeError
        when the disk refuses; the store has the whole bundle then, or nothing of it.
        """
        with open_folder(folder, self.limits) as opened:
            seal = opened.seal()
            if seal.sha256 in self and not self._is_intact(seal.sha256):
                self._move_away(seal.sha256)
            if seal.sha256 not in self:
                files = ((name, opened.verified(name, seal)) for name in seal.sums)
                publish_files(self.root, seal.sha256, files)
        return seal.sha256

    def open(self, sha256: str) -> Bundle:
        """Return a stored bundle, verified again; MissingDataset if it was never stored, CorruptDataset if changed."""
        hint = (
            "Hand the run in again after removing that folder, or leave it in the inbox: the same bytes take its place"
        )
        if sha256 not in self:
            raise MissingDataset(f"there is no bundle {sha256} in {self.root}", hint=hint)
        try:
            bundle = read_sealed(self._folder(sha256), limits=self.limits)
        except BundleRefused as error:
            raise CorruptDataset(f"{self._folder(sha256)} was changed: {error.message}", hint=hint) from None
        if bundle.sha256 != sha256:
            message = f"{self._folder(sha256)} holds another bundle, {bundle.sha256}"
            raise CorruptDataset(message, hint=hint)
        return bundle

    def _folder(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise MissingDataset(f"{shown(sha256)} is no hash of a bundle", hint="It has 64 hex digits")
        return self.root / sha256

    def _is_intact(self, sha256: str) -> bool:
        try:
            with open_folder(self._folder(sha256), self.limits) as opened:
                seal = opened.seal()
                return seal.sha256 == sha256 and all(opened.verified(name, seal) for name in seal.sums)
        except BundleRefused:
            return False

    def _move_away(self, sha256: str) -> None:
        """Move a damaged copy to where leftovers are swept; another process may have been quicker."""
        with atomic.disk_errors(self.root), suppress(FileNotFoundError):
            (self.root / STAGING).mkdir(exist_ok=True)
            os.rename(self._folder(sha256), self.root / STAGING / f"corrupt-{uuid.uuid4().hex}")
