"""The cases: every comparison of the statistics part, at full size or at a share of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.statistics.contest import Case, Outcome, compete
from benchmarks.statistics.limits import measured_limits
from benchmarks.statistics.overfitting import pbo_case
from benchmarks.statistics.panels import panel_case
from benchmarks.statistics.resampling import bootstrap_case, mcs_case, spa_case


def run_cases(laps: int, share: float, say: Callable[[str], None]) -> list[Outcome]:
    """Return the outcome of every case; `share` of the strategies, models or resamples of the full size."""
    limits = measured_limits()
    outcomes = []
    for case in _cases(share):
        say(f"Statistics: {case.name}, {case.size}")
        outcomes.append(compete(case, laps, limits))
    return outcomes


def _cases(share: float) -> Iterator[Case]:
    def scaled(full: int) -> int:
        return max(20, round(full * share))

    yield panel_case(scaled(10_000))
    yield bootstrap_case(10, scaled(10_000))
    yield bootstrap_case(50, scaled(10_000))
    yield pbo_case(scaled(100))
    yield pbo_case(scaled(1_000))
    yield spa_case(n_resamples=scaled(1_000))
    yield mcs_case(n_resamples=scaled(1_000))
