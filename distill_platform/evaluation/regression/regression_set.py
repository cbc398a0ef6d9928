"""Regression sets: the metrics of runs of known truth, measured and compared by the functions that judge real runs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from distill_platform.core import canon
from distill_platform.evaluation.assessing import assess
from distill_platform.evaluation.regression.cohorts import handed_in
from distill_platform.evaluation.regression.truths import Truth
from distill_platform.policy.metrics_file import nest
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.words import Stage
from distill_platform.policy.world import World
from distill_platform.store.stages import Progress, no_progress

STAGE = Stage.BACKTEST


def regression_set(world: World, seed: int, runs_per_truth: int, progress: Progress = no_progress) -> list[MetricsLine]:
    """Return the metrics of so many runs of each truth, measured on the terms of a world; one truth is one strategy.

    Each run is a whole bundle that was simulated, sealed beside its trials and evaluated like any other: integrity,
    own metrics, overfitting controls with the honest number of trials, fit beside an empty book, signs of gaming. Two
    sets of the same arguments are the same to the bit, and a longer one begins with the shorter one of each truth.
    """
    lines = []
    for truth, number in product(Truth, range(runs_per_truth)):
        given = handed_in(truth, world, seed, number)
        lines.append(assess(given.judged, given.bundles[1:], world).line)
        progress("simulated runs", len(lines), len(Truth) * runs_per_truth)
    return lines


def as_jsonl(lines: Iterable[MetricsLine]) -> bytes:
    """Return the lines of a metrics file as `policy evaluate` and `policy diff` read it."""
    rows = ({"strategy_id": one.strategy_id, "run_id": one.run_id, "metrics": nest(one.metrics)} for one in lines)
    return b"".join(canon.dumps(row) + b"\n" for row in rows)
