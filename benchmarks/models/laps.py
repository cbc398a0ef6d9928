"""Laps: works in alternation, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Work = Callable[[], object]


def best_cpu_s(works: Mapping[str, Work], laps: int) -> dict[str, float]:
    """Return the fewest CPU seconds of each work, by name, after a lap that does not count."""
    found = [{name: _cpu_s(work) for name, work in works.items()} for _ in range(laps + 1)]
    return {name: min(lap[name] for lap in found[1:]) for name in works}


def wall_ms(works: Mapping[str, Callable[[int], object]], calls: int) -> dict[str, list[float]]:
    """Return the milliseconds of every call of each work, by name; each is called with 0, 1, ... in turn with all.

    The first call, which does not count, is made twice.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in [0, *range(calls)]:
        for name, work in works.items():
            start = time.perf_counter()
            work(number)
            found[name].append((time.perf_counter() - start) * 1e3)
    return {name: times[1:] for name, times in found.items()}


def _cpu_s(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
