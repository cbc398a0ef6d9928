"""Scratch folders: private while their process lives, swept by the next one when it died."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distill_platform.store.lake import atomic


@contextmanager
def scratch_folder(home: Path) -> Iterator[Path]:
    """Open a private folder in `home`, gone when the context ends; what killed processes left is swept first."""
    with atomic.disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        folder = home / uuid.uuid4().hex
        lock = _locked(folder)
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        _lock_path(folder).unlink(missing_ok=True)


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _locked(folder: Path) -> int:
    """Hold a lock that the system drops when this process dies, however it dies."""
    path = _lock_path(folder)
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return descriptor
        os.close(descriptor)  # another process swept the file between our two calls


def _sweep(home: Path) -> None:
    """Remove the scratch folders whose owners are gone, and what was moved away as corrupt."""
    for folder in home.glob("corrupt-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for lock in home.glob("*.lock"):
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
