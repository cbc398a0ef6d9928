"""File hashes: what the bytes of files hash to, without reading again what nobody touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

from distill_platform.store.lake import file_sha256

GONE = ""
_RACY_NS = 2 * 10**9


class FileHashes:
    """Hashes of files; a file that nobody touched since it was hashed is not read again.

    The kernel's change time, which no program sets, says so; a file changed within the last moments is not remembered,
    since another change may carry the same time.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}

    def __call__(self, path: Path) -> str:
        """Return the SHA-256 of a file's bytes; GONE when it is not there."""
        try:
            state = _state(path)
            known = self._known.get(str(path))
            if known is not None and known[0] == state:
                return known[1]
            digest = file_sha256(path)
        except FileNotFoundError:
            return GONE
        if time.time_ns() - state[-1] > _RACY_NS:
            self._known[str(path)] = (state, digest)
        return digest


def _state(path: Path) -> tuple[int, ...]:
    found = os.stat(path)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
