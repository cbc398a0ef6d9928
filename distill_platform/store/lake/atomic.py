"""Writes that are seen whole or not at all.

The order never changes: file bytes, fsync, rename into place, fsync the folder; data first, manifest last. `on_step`
is told after every step, which is where a test pulls the plug.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from distill_platform.core.errors import LakeError

Step = Callable[[str], None]
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def no_step(_: str) -> None:
    """Do nothing: the default for `on_step`."""


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a LakeError that says what to do; nothing was published."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            hint = "Free space and run again; nothing half-written was published"
            raise LakeError(f"the disk is full: {path} could not be written", hint=hint) from error
        raise LakeError(f"{path} could not be written: {error.strerror or error}") from error


def sync_file(path: Path) -> None:
    """Return once the bytes of `path` are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_folder = sync_file


def replace_file(path: Path, data: bytes, on_step: Step = no_step) -> None:
    """Write `data` to `path` so that a reader sees the old bytes or the new ones, never a mixture."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _replaced(path, data, on_step):
            pass
        on_step(f"replaced {path.name}")
        sync_folder(path.parent)
        on_step(f"synced {path.name}")


def _replaced(path: Path, data: bytes, on_step: Step) -> bool:
    """Return whether `path` was replaced; not when another process took our new, not yet locked file for a leftover."""
    _sweep(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with temporary.open("xb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(data)
            file.flush()
            on_step(f"written {path.name}")
            os.fsync(file.fileno())
            os.replace(temporary, path)
        except FileNotFoundError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
    return True


def _sweep(path: Path) -> None:
    """Remove what killed processes left while they replaced `path`; living ones hold a lock."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        try:
            with leftover.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink(missing_ok=True)
        except (FileNotFoundError, BlockingIOError):
            continue


def publish_folder(staged: Path, final: Path, on_step: Step = no_step) -> bool:
    """Move the complete folder `staged` to `final`; return False when `final` is already there and was left alone."""
    with disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(staged)
        try:
            os.rename(staged, final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(staged)
            return False
        on_step(f"renamed {final.name}")
        sync_folder(final.parent)
        on_step(f"published {final.name}")
        return True
