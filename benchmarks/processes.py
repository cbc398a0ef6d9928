"""Processes: what one process and everything it started cost, read from Linux's /proc."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
_EVERY_S = 0.1
_SHARE = 0.04  # of a core, at most, for looking: reading a large process takes the kernel milliseconds


def refuse_without_proc() -> None:
    """Exit with a plain sentence where these measurements do not exist."""
    if not (_PROC / "self/smaps_rollup").exists():
        raise SystemExit("The benchmark reads CPU time and memory from /proc, so it needs Linux.")


@dataclass(frozen=True)
class _Process:
    """A line of /proc/<pid>/stat: the CPU time is its own plus that of the children it has waited for."""

    pid: int
    parent: int
    cpu_s: float


def cpu_seconds(root: int | None = None) -> float:
    """Return the CPU seconds (user and system) that a process (this one) and its descendants have used so far."""
    return sum(process.cpu_s for process in _tree(os.getpid() if root is None else root))


def pss_bytes(root: int) -> int:
    """Return the proportional set size of a process and its descendants: what they share is counted once."""
    return sum(_pss(process.pid) for process in _tree(root))


def _tree(root: int) -> list[_Process]:
    known = list(_all_processes())
    family = {root}
    while grown := {process.pid for process in known if process.parent in family} - family:
        family |= grown
    return [process for process in known if process.pid in family]


def _all_processes() -> Iterator[_Process]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        yield _Process(int(folder.name), int(fields[1]), sum(map(int, fields[11:15])) / _TICK)


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


@dataclass
class Memory:
    """Samples of a process tree's memory; the times are those of `time.monotonic`, the same in every process."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    def peak(self, start: float = 0.0, end: float = float("inf")) -> int:
        """Return the highest sample between two times; 0 when there is none."""
        return max((size for at, size in self.samples if start <= at <= end), default=0)


@contextmanager
def watched(pid: int) -> Iterator[Memory]:
    """Sample the memory of a process tree until the context ends, from a thread of this process.

    Every 100 ms, or less often where that would take more than 4 % of a core from what is measured.
    """
    memory, ended = Memory(), threading.Event()

    def watch() -> None:
        pause = _EVERY_S
        while not ended.wait(pause):
            start, cpu = time.monotonic(), time.thread_time()
            memory.samples.append((start, pss_bytes(pid)))
            pause = max(_EVERY_S, (time.thread_time() - cpu) / _SHARE)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()
