"""Assessing: one run beside those that it was chosen from, in memory, by the functions that judge what is handed in.

The court judges with a memory: what failed before, which policies there were. Here there is no before; a run, the
others of its search and a world are all that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distill_platform.core.errors import ConfigError
from distill_platform.evaluation.cohort.members import Member
from distill_platform.evaluation.cohort.overfitting import overfitting_controls
from distill_platform.evaluation.gaming import GamingFlags, gaming_flags, gaming_results
from distill_platform.evaluation.gating import closed_results
from distill_platform.evaluation.measured import Measured, measured
from distill_platform.evaluation.metrics import terms_of
from distill_platform.evaluation.metrics.daily import DailySeries, daily_series, sharpe_annual
from distill_platform.evaluation.metrics.integrity import integrity
from distill_platform.evaluation.metrics.steps import read_steps
from distill_platform.evaluation.portfolio import Holding, portfolio_fit_of
from distill_platform.evaluation.release import ReleaseStanding, release_standing
from distill_platform.evaluation.trials import TrialRecord, trial_of
from distill_platform.policy.gates import GateResult, judge_gates
from distill_platform.policy.judging import judge_run, validation_health
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.rules.result import RuleResult
from distill_platform.policy.summary import Summary, summarize
from distill_platform.policy.words import Stage
from distill_platform.policy.world import World
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.manifest import RunManifest


@dataclass(frozen=True, eq=False)
class Assessment:
    """A run with all of its metrics, and the signs of gaming that show without a past."""

    manifest: RunManifest
    metrics: Mapping[str, Any] = field(repr=False)
    flags: GamingFlags

    @property
    def line(self) -> MetricsLine:
        """Return the metrics as a line of a metrics file."""
        return MetricsLine(self.manifest.strategy_id, self.manifest.run_id, dict(self.metrics))


@dataclass(frozen=True)
class AssessedVerdict:
    """What a world says of an assessed run: each rule, each gate, and what they come to."""

    results: tuple[RuleResult, ...]
    gates: tuple[GateResult, ...]
    summary: Summary
    release: ReleaseStanding


def assess(judged: Bundle, beside: Sequence[Bundle], world: World) -> Assessment:
    """Return the metrics of a run on the terms of a world, chosen from among itself and the runs `beside` it.

    Integrity, own metrics, overfitting controls with the honest number of trials, fit beside an empty book, signs of
    gaming, health of the profile of its stage. Of a run whose accounting is broken those that say so.

    Raises ConfigError for a run of another world, and for a stage that the world has no profile for.
    """
    if judged.manifest.world_id != world.world_id:
        message = f"run {judged.manifest.run_id} is of world {judged.manifest.world_id}, not of {world.world_id}"
        raise ConfigError(message, hint="A run is judged by the world that it names")
    run = measured(judged, terms_of(world))
    trials = [_trial(bundle) for bundle in beside]
    records = [run.alone, *(record for record, _ in trials)]
    metrics: dict[str, Any] = {**run.metrics, "sample.data_lag_s": _lag(judged)}
    if run.sound:
        members = [_member(run.alone, run.found.daily), *(member for _, member in trials if member)]
        metrics |= overfitting_controls(members, records).metrics_of(run.run_id)
        metrics |= portfolio_fit_of(_alone(run), []).metrics
    flags = _gaming(run, records, world, metrics)
    metrics |= flags.metrics()
    return Assessment(run.manifest, metrics | _health(world, Stage(run.manifest.stage), metrics), flags)


def verdict(assessed: Assessment, world: World) -> AssessedVerdict:
    """Return what a world makes of an assessed run, as the court would if it had never heard of it.

    Rules of its stage's profile, the first closed gate, its standing for release and signs of gaming together. Raises
    ConfigError for a stage without a profile.
    """
    judgement = judge_run(world, Stage(assessed.manifest.stage), assessed.metrics)
    gates, release = judge_gates(world, assessed.metrics), release_standing(assessed.manifest)
    signs = gaming_results(assessed.flags, release.counts)
    results = (*judgement.results, *closed_results(world, gates), *release.results(), *signs)
    return AssessedVerdict(results, gates, summarize(results), release)


def _trial(bundle: Bundle) -> tuple[TrialRecord, Member | None]:
    """Return what a cohort needs of a run beside the judged one: its record, and its returns if it is sound."""
    steps = read_steps(bundle)
    daily = daily_series(steps)
    record = trial_of(bundle, not integrity(bundle, steps, daily, None).broken)
    return record, _member(record, daily) if record.sound else None


def _member(record: TrialRecord, daily: DailySeries) -> Member:
    ratio, ablated = sharpe_annual(daily.days, daily.net), record.ablation is not None
    return Member(record.run_id, record.strategy_id, record.content_sha256, ablated, ratio, daily.days, daily.net)


def _alone(run: Measured) -> Holding:
    return Holding(run.manifest.strategy_id, run.found.daily.days, run.found.daily.net, 1.0)


def _gaming(run: Measured, records: list[TrialRecord], world: World, metrics: Mapping[str, object]) -> GamingFlags:
    """Return the signs of gaming of a run that nobody judged before."""
    policies = [{"ruleset_hash": world.ruleset_hash, "policy": world.canonical()}]
    return gaming_flags(run.alone, records, [], policies, world.ruleset_hash, metrics)


def _health(world: World, stage: Stage, metrics: Mapping[str, object]) -> dict[str, float]:
    health = validation_health(world, stage, metrics)
    return {f"diagnostics.validation_health.{name}": value for name, value in health.items()}


def _lag(bundle: Bundle) -> float:
    """Return how old the data are when the run arrives, which is the moment that it speaks of."""
    return float((bundle.manifest.as_of - bundle.steps["ts_end"][-1].as_py()).total_seconds())
