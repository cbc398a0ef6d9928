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
    descriptor = os.open(_lock_path(folder), os.O_CREAT | os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _sweep(home: Path) -> None:
    """Remove the scratch folders whose owners are gone."""
    for folder in [path for path in home.iterdir() if path.is_dir()]:
        lock = _lock_path(folder)
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            if folder.name.startswith("corrupt-"):
                shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
