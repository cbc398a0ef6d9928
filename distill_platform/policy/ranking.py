"""Ranking: runs in order of a metric, the better end first, equal ones by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from distill_platform.policy.rules.bound import Metrics, number
from distill_platform.policy.selection import is_lower_better


@dataclass(frozen=True)
class MetricsLine:
    """One run and its metrics."""

    strategy_id: str
    run_id: str
    metrics: Metrics

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells runs apart."""
        return self.strategy_id, self.run_id


def ranked(lines: Iterable[MetricsLine], metric: str) -> list[MetricsLine]:
    """Return the runs, best first; those without a usable value last; equal ones by strategy_id, then run_id."""
    sign = 1.0 if is_lower_better(metric) else -1.0

    def place(line: MetricsLine) -> tuple[bool, float, str, str]:
        value = number(line.metrics.get(metric))
        return value is None, sign * (value or 0.0), line.strategy_id, line.run_id

    return sorted(lines, key=place)


def best_of_each(lines: Sequence[MetricsLine]) -> list[MetricsLine]:
    """Return the first run of each strategy, in the order given."""
    first: dict[str, MetricsLine] = {}
    for line in lines:
        first.setdefault(line.strategy_id, line)
    return list(first.values())


def ranks(lines: Iterable[MetricsLine], metric: str) -> dict[tuple[str, str], int]:
    """Return the place of each run with a usable value: 1 and the number of other strategies that are better."""
    better: dict[str, None] = {}
    places = {}
    for line in ranked(lines, metric):
        if number(line.metrics.get(metric)) is None:
            break
        places[line.key] = 1 + len(better) - (line.strategy_id in better)
        better.setdefault(line.strategy_id)
    return places
