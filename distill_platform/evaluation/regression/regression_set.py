"""Regression sets: the metrics of runs of known truth, measured and compared by the functions that judge real runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from distill_platform.core import canon
from distill_platform.evaluation.cohort.members import Member
from distill_platform.evaluation.cohort.overfitting import overfitting_controls
from distill_platform.evaluation.gaming import gaming_flags
from distill_platform.evaluation.measured import Measured, measured
from distill_platform.evaluation.metrics import terms_of
from distill_platform.evaluation.metrics.daily import DailySeries, daily_series, sharpe_annual
from distill_platform.evaluation.metrics.integrity import integrity
from distill_platform.evaluation.metrics.steps import read_steps
from distill_platform.evaluation.portfolio import Holding, portfolio_fit_of
from distill_platform.evaluation.regression.cohorts import HandedIn, handed_in
from distill_platform.evaluation.regression.truths import Truth
from distill_platform.evaluation.stage import Progress, no_progress
from distill_platform.evaluation.trials import TrialRecord, trial_of
from distill_platform.policy.judging import validation_health
from distill_platform.policy.metrics_file import nest
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.words import Stage
from distill_platform.policy.world import World
from distill_platform.strategies.bundles.bundle import Bundle

STAGE = Stage.BACKTEST


def regression_set(world: World, seed: int, runs_per_truth: int, progress: Progress = no_progress) -> list[MetricsLine]:
    """Return the metrics of so many runs of each truth, measured on the terms of a world; one truth is one strategy.

    Each run is a whole bundle that was simulated, sealed beside its trials and evaluated like any other: integrity,
    own metrics, overfitting controls with the honest number of trials, fit beside an empty book, signs of gaming. Two
    sets of the same arguments are the same to the bit, and a longer one begins with the shorter one of each truth.
    """
    lines = []
    for truth, number in product(Truth, range(runs_per_truth)):
        lines.append(_line(handed_in(truth, world, seed, number), world))
        progress("simulated runs", len(lines), len(Truth) * runs_per_truth)
    return lines


def as_jsonl(lines: Iterable[MetricsLine]) -> bytes:
    """Return the lines of a metrics file as `policy evaluate` and `policy diff` read it."""
    rows = ({"strategy_id": one.strategy_id, "run_id": one.run_id, "metrics": nest(one.metrics)} for one in lines)
    return b"".join(canon.dumps(row) + b"\n" for row in rows)


def _line(given: HandedIn, world: World) -> MetricsLine:
    run = measured(given.judged, terms_of(world))
    trials = [_trial(bundle) for bundle in given.bundles[1:]]
    records = [run.alone, *(record for record, _ in trials)]
    metrics: dict[str, Any] = {**run.metrics, "sample.data_lag_s": _lag(given.judged)}
    if run.sound:
        members = [_member(run.alone, run.found.daily), *(member for _, member in trials if member)]
        metrics |= overfitting_controls(members, records).metrics_of(run.run_id)
        metrics |= portfolio_fit_of(_alone(run), []).metrics
    metrics |= _gaming(run, records, world, metrics)
    return MetricsLine(run.manifest.strategy_id, run.run_id, metrics | _health(world, metrics))


def _trial(bundle: Bundle) -> tuple[TrialRecord, Member | None]:
    """Return what a cohort needs of a run beside the judged one: its record, and its returns if it is sound."""
    steps = read_steps(bundle)
    daily = daily_series(steps)
    record = trial_of(bundle, not integrity(bundle, steps, daily, None).broken)
    return record, _member(record, daily) if record.sound else None


def _member(record: TrialRecord, daily: DailySeries) -> Member:
    ratio = sharpe_annual(daily.days, daily.net)
    return Member(record.run_id, record.strategy_id, record.content_sha256, False, ratio, daily.days, daily.net)


def _alone(run: Measured) -> Holding:
    return Holding(run.manifest.strategy_id, run.found.daily.days, run.found.daily.net, 1.0)


def _gaming(run: Measured, records: list[TrialRecord], world: World, metrics: Mapping[str, object]) -> dict[str, bool]:
    """Return the signs of gaming of a run that nobody judged before."""
    policies = [{"ruleset_hash": world.ruleset_hash, "policy": world.canonical()}]
    return gaming_flags(run.alone, records, [], policies, world.ruleset_hash, metrics).metrics()


def _health(world: World, metrics: Mapping[str, object]) -> dict[str, float]:
    health = validation_health(world, STAGE, metrics)
    return {f"diagnostics.validation_health.{name}": value for name, value in health.items()}


def _lag(bundle: Bundle) -> float:
    """Return how old the data are when the run arrives, which is the moment that it speaks of."""
    return float((bundle.manifest.as_of - bundle.steps["ts_end"][-1].as_py()).total_seconds())
