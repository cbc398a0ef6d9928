"""A bundle's folder, read without ever leaving it: no link is followed, and only plain files are opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from distill_platform.core.canon import sha256_hex
from distill_platform.core.config import nearest
from distill_platform.strategies.bundles.completeness import FILES, bundle_sha256, parse_complete
from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST

_LISTED_AT_MOST = 1_000
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PLAIN = "A bundle is a folder of plain files with one name each: copy what is linked or nested"


@dataclass(frozen=True)
class Seal:
    """What COMPLETE says: the SHA-256 of every file by name, and when it was written."""

    sums: dict[str, str]
    written_at: datetime

    @property
    def sha256(self) -> str:
        """Return the hash that names the bundle."""
        return bundle_sha256(self.sums)


class BundleFolder:
    """An open folder; every name is looked up in this very folder, whatever its path comes to mean meanwhile."""

    def __init__(self, name: str, descriptor: int, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self._descriptor = descriptor

    def names(self) -> frozenset[str]:
        """Return the names of the bundle's files and COMPLETE; BundleRefused for anything else that is there."""
        with _disk(self.name), os.scandir(self._descriptor) as entries:
            found = sorted(entry.name for entry in islice(entries, _LISTED_AT_MOST))
        for name in found:
            self._refuse_irregular(name)
            if name != COMPLETE and name not in FILES:
                message = f"{self.name}: {shown(name)} is no file of a bundle"
                raise BundleRefused(RefusalReason.UNKNOWN_FILE, message, hint=nearest(name[:200], list(FILES)))
        return frozenset(found)

    def is_complete(self) -> bool:
        """Return whether there is a COMPLETE, whatever it is."""
        with _disk(self.name), suppress(FileNotFoundError):
            os.stat(COMPLETE, dir_fd=self._descriptor, follow_symlinks=False)
            return True
        return False

    def seal(self) -> Seal:
        """Return what COMPLETE says, once it names exactly the files that are there.

        Raises BundleRefused(`incomplete`) where there is no COMPLETE yet, whatever else is or is not there.
        """
        if not self.is_complete():
            hint = f"It is read once {COMPLETE} is there: `distill seal` writes it after all other files"
            raise BundleRefused(RefusalReason.INCOMPLETE, f"{self.name} has no {COMPLETE}", hint=hint)
        names = self.names() - {COMPLETE}
        sums = parse_complete(self.read(COMPLETE))
        for name in sorted(names ^ sums.keys()):
            reason = RefusalReason.MISSING_FILE if name in sums else RefusalReason.UNLISTED_FILE
            said = "is listed in COMPLETE and not there" if name in sums else "is not listed in COMPLETE"
            raise BundleRefused(reason, f"{self.name}: {name} {said}", hint="Seal the folder again as it should be")
        return Seal(sums, self._modified(COMPLETE))

    def read(self, name: str) -> bytes:
        """Return the bytes of one file; BundleRefused if it is no plain file, too large or unreadable."""
        self._refuse_irregular(name)
        with _disk(f"{self.name}: {name}"):
            descriptor = os.open(name, _FILE_FLAGS, dir_fd=self._descriptor)
            with open(descriptor, "rb", buffering=0) as file:
                state = os.fstat(descriptor)
                self._refuse_kind(name, state)
                self._refuse_size(name, state.st_size)
                data = _read_all(file.fileno(), state.st_size + 1)
        return data

    def verified(self, name: str, seal: Seal) -> bytes:
        """Return the bytes of one file, which are those that were sealed."""
        data = self.read(name)
        found = sha256_hex(data)
        if found != seal.sums[name]:
            message = f"{self.name}: {name} has the SHA-256 {found[:12]}..., sealed was {seal.sums[name][:12]}..."
            hint = "It was changed after it was sealed, or not copied whole: hand the run in again from its source"
            raise BundleRefused(RefusalReason.HASH_MISMATCH, message, hint=hint)
        return data

    def _modified(self, name: str) -> datetime:
        with _disk(f"{self.name}: {name}"):
            seconds = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mtime
        return datetime.fromtimestamp(seconds, UTC)

    def _refuse_irregular(self, name: str) -> None:
        with _disk(f"{self.name}: {shown(name)}"):
            self._refuse_kind(name, os.stat(name, dir_fd=self._descriptor, follow_symlinks=False))

    def _refuse_kind(self, name: str, state: os.stat_result) -> None:
        kind = _kind(state)
        if kind:
            message = f"{self.name}: {shown(name)} is {kind}"
            raise BundleRefused(RefusalReason.NOT_A_REGULAR_FILE, message, hint=_PLAIN)

    def _refuse_size(self, name: str, size: int) -> None:
        bounds = {COMPLETE: self.limits.complete_bytes, MANIFEST: self.limits.manifest_bytes}
        bound = bounds.get(name, self.limits.file_bytes)
        if size > bound:
            message = f"{self.name}: {name} has {size:,} bytes, more than {bound:,}"
            raise BundleRefused(RefusalReason.TOO_LARGE, message, hint="Hand in coarser steps, or several runs")


@contextmanager
def open_folder(folder: Path, limits: Limits = LIMITS) -> Iterator[BundleFolder]:
    """Open a bundle's folder; BundleRefused(`not_a_folder`) for anything else, a link to a folder included."""
    try:
        descriptor = os.open(folder, _FOLDER_FLAGS)
    except (OSError, ValueError) as error:
        message = f"{shown(folder.name)} cannot be opened as a folder: {getattr(error, 'strerror', error)}"
        raise BundleRefused(RefusalReason.NOT_A_FOLDER, message, hint=_PLAIN) from None
    try:
        yield BundleFolder(folder.name if folder.name.isascii() else shown(folder.name), descriptor, limits)
    finally:
        os.close(descriptor)


def _kind(state: os.stat_result) -> str:
    """Return what an entry is instead of a plain file with one name; empty for such a file."""
    if stat.S_ISREG(state.st_mode):
        return "a file with several names (hard links)" if state.st_nlink > 1 else ""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link"}
    return kinds.get(stat.S_IFMT(state.st_mode), "a pipe, socket or device")


def _read_all(descriptor: int, size: int) -> bytes:
    """Return at most `size` bytes from a file's start."""
    pieces = []
    while size > 0 and (piece := os.read(descriptor, min(size, 2**24))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


@contextmanager
def _disk(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{place} cannot be read: {error.strerror or error}"
        hint = "Look at the file's permissions and whether it is still there"
        raise BundleRefused(RefusalReason.UNREADABLE, message, hint=hint) from None
