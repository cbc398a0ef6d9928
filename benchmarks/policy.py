"""Verdicts a second: runs judged by every rule type, through every gate, and whole dry runs, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.policy.catalogue import CATALOGUE, kinds
from distill_platform.policy.dry_run import dry_run
from distill_platform.policy.gates import judge_gates
from distill_platform.policy.judging import judge_run
from distill_platform.policy.profiles import Profile
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.words import Stage
from distill_platform.policy.world import World, load_world

VERDICTS_A_SECOND = 10_000
_WORLD = Path(__file__).parent.parent / "config" / "worlds" / "us_equity_daily.yaml"
_CALLS = 1_000
_WHOLE = ("top_k", "lookback_days")
_NO_BOUNDS = ("severity", "owner", "scenarios")
_RUNS = 500


@dataclass(frozen=True)
class PolicyRates:
    """Runs a second by CPU time, the best of several laps; `bounds` is how many the full profile sets."""

    bounds: int
    full_profile: float
    delivered_profile: float
    gates: float
    dry_run: float


def measure_policy(laps: int) -> PolicyRates:
    """Return how many runs a second are judged, of which half fail."""
    delivered, full = load_world(_WORLD), _full_world()
    runs = [_metrics(good) for good in (0.9, 0.01)]
    lines = [MetricsLine(f"s{number}", "r", runs[number % 2]) for number in range(_RUNS)]
    return PolicyRates(
        bounds=sum(len(rule.bounds) for rule in full.rules(Stage.BACKTEST)),
        full_profile=_rate(lambda run: judge_run(full, Stage.BACKTEST, run), runs, laps),
        delivered_profile=_rate(lambda run: judge_run(delivered, Stage.BACKTEST, run), runs, laps),
        gates=_rate(lambda run: judge_gates(delivered, run), runs, laps),
        dry_run=_RUNS * _rate(lambda run: dry_run(delivered, Stage.BACKTEST, lines), runs, laps, calls=2),
    )


def _rate(work: Callable[[Any], object], runs: list[Any], laps: int, calls: int = _CALLS) -> float:
    """Return calls a second: the best lap, after one that does not count."""
    best = 0.0
    for lap in range(laps + 1):
        start = time.process_time()
        for number in range(calls):
            work(runs[number % len(runs)])
        elapsed = time.process_time() - start
        best = max(best, calls / elapsed) if lap else 0.0
    return best


def _full_world() -> World:
    """Return a world whose profile sets every parameter of every rule type."""
    numbers = {
        name: {key: 1 if key in _WHOLE else 0.5 for key in type(block).model_fields if key not in _NO_BOUNDS}
        for name, block in Profile().blocks()
    }
    bounds = {"max_drawdown": 0.5, "max_es_99": 0.5, "min_net_sharpe": 0.5}
    rules: dict[str, Any] = {**numbers, "stress": {"scenarios": {"fees_x2": bounds, "slippage_bps_2": bounds}}}
    return World.model_validate(
        {
            "world_id": "full",
            "version": 1,
            "validation_profiles": {"backtest": rules},
            "default_profile_by_stage": {"backtest_only": "backtest"},
        }
    )


def _metrics(value: float) -> dict[str, Any]:
    scenarios = ("fees_x2", "slippage_bps_2")
    return {name: value for name in kinds(scenarios) if name not in CATALOGUE or CATALOGUE[name].kind == "number"}
