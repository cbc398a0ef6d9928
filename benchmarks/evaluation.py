"""Evaluation: sealed bundles read from disk and measured, one after the other in this process."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import pss_bytes
from distill_platform.evaluation.metrics import EvaluationTerms, Scenario, run_metrics
from distill_platform.evaluation.metrics.daily import daily_series
from distill_platform.evaluation.metrics.integrity import integrity
from distill_platform.evaluation.metrics.regime import volatility_terciles
from distill_platform.evaluation.metrics.robustness import robustness_metrics
from distill_platform.evaluation.metrics.steps import read_steps
from distill_platform.evaluation.metrics.stress import stressed
from distill_platform.evaluation.metrics.walk_forward import read_folds
from distill_platform.stats import moments
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.reading import read_sealed
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.testing.bundles import sample_bundle

RUNS_A_SECOND = 20.0

_DAYS, _PER_DAY = 1095, 24
_DISTINCT = 10
_TERMS = EvaluationTerms(
    fee_bps=1.0,
    slippage_bps=1.0,
    funding_bps_daily=0.5,
    stress_grid=(
        *(Scenario(f"slippage_bps_{bps}", slippage_bps=float(bps)) for bps in range(1, 11)),
        Scenario("fees_x2", fee_multiplier=2.0),
        Scenario("spread_x2", slippage_multiplier=2.0),
        Scenario("spread_x3", slippage_multiplier=3.0),
        Scenario("funding_x2", funding_multiplier=2.0),
        Scenario("all_x2", fee_multiplier=2.0, slippage_multiplier=2.0, funding_multiplier=2.0),
        Scenario("worst_regime", worst_regime=True),
    ),
)


@dataclass(frozen=True)
class Evaluated:
    """Runs measured one after the other; `memory` is the process's after a tenth of them and after the last.

    `shares` are CPU seconds of one run by what they went to; `growth` CPU seconds of one run by its number of steps.
    """

    runs: int
    steps: int
    scenarios: int
    resamples: int
    wall_s: float
    cpu_s: float
    first_s: float
    memory: tuple[int, int]
    shares: Sequence[tuple[str, float]]
    growth: Sequence[tuple[int, float]]

    @property
    def runs_per_s(self) -> float:
        """Return runs per second of wall time, reading included."""
        return self.runs / self.wall_s


def measure_evaluation(folder: Path, runs: int, laps: int) -> Evaluated:
    """Write bundles into `folder`, read and measure them over and over until there were `runs`, and remove them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        first_s = _seconds(lambda: run_metrics(_bundle(0, 30, 1), _TERMS), laps=1, clock=time.perf_counter)
        sealed = [_sealed(folder, seed) for seed in range(min(_DISTINCT, runs))]
        return _measured(sealed, runs, laps, first_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(sealed: Sequence[Path], runs: int, laps: int, first_s: float) -> Evaluated:
    memory: list[int] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(runs):
        run_metrics(read_sealed(sealed[number % len(sealed)]), _TERMS)
        if number + 1 in (max(runs // 10, 1), runs):
            memory.append(pss_bytes(os.getpid()))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    growth = [(_DAYS * per_day, _cost(_bundle(1, _DAYS, per_day), laps)) for per_day in (6, 24, 96)]
    return Evaluated(
        runs, _DAYS * _PER_DAY, len(_TERMS.stress_grid), _TERMS.n_resamples, wall, cpu, first_s,
        (memory[0], memory[-1]), _shares(sealed[0], laps), growth,
    )  # fmt: skip


def _shares(folder: Path, laps: int) -> list[tuple[str, float]]:
    """Return the CPU seconds of the parts of a run that cost most, and of all the rest."""
    bundle = read_sealed(folder)
    steps = read_steps(bundle)
    daily = daily_series(steps)
    labels = volatility_terciles(daily.gross, _TERMS.regime_window_days)
    works: dict[str, Callable[[], Any]] = {
        "steps to days": lambda: daily_series(read_steps(bundle)),
        "integrity": lambda: integrity(bundle, steps, daily, None),
        "walk-forward": lambda: read_folds(bundle.folds, steps, daily, _TERMS.n_folds),
        "bootstrap and robustness": lambda: robustness_metrics(daily, moments(daily.net), _TERMS.n_resamples),
        "stress and cost curve": lambda: stressed(steps, daily, labels, _TERMS),
    }
    parts = [(name, _seconds(work, laps)) for name, work in works.items()]
    rest = max(_cost(bundle, laps) - sum(seconds for _, seconds in parts), 0.0)
    return [("reading", _seconds(lambda: read_sealed(folder), laps)), *parts, ("everything else", rest)]


def _cost(bundle: Bundle, laps: int) -> float:
    return _seconds(lambda: run_metrics(bundle, _TERMS), laps)


def _seconds(work: Callable[[], Any], laps: int, clock: Callable[[], float] = time.process_time) -> float:
    """Return the least seconds that one of several laps took."""
    times = []
    for _ in range(laps):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def _sealed(folder: Path, seed: int) -> Path:
    manifest, tables = sample_bundle(seed, _DAYS, _PER_DAY)
    return write_bundle(folder, manifest.model_copy(update={"repro_hash": repro_hash(manifest)}), tables)


def _bundle(seed: int, days: int, per_day: int) -> Bundle:
    manifest, tables = sample_bundle(seed, days, per_day)
    sealed = manifest.model_copy(update={"repro_hash": repro_hash(manifest)})
    optional = {name: tables.get(name) for name in ("trades", "daily", "orders", "folds")}
    return Bundle(sealed, tables["steps"], sha256="0" * 64, **optional)
