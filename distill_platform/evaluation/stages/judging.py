"""Judging: metrics against policy. First each run by its rules; then, knowing who failed, what looks like gaming."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from distill_platform.core import canon
from distill_platform.core.canon import json_value
from distill_platform.core.errors import ConfigError
from distill_platform.evaluation.court import Case, Court
from distill_platform.evaluation.evaluation_run import EvaluationRun
from distill_platform.evaluation.records import record_evaluations, record_world
from distill_platform.evaluation.stage import Evaluation, from_these, ledger_input, publish_day
from distill_platform.evaluation.stages.measuring import metrics_of
from distill_platform.evaluation.surroundings import Surroundings
from distill_platform.evaluation.worlds import Worlds
from distill_platform.policy.judging import judge_run, validation_health
from distill_platform.policy.rules.result import INVALID_METRIC, MISSING_METRIC
from distill_platform.policy.words import Stage, Status
from distill_platform.policy.world import World
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, Row, open_partition, rows_of

UPSTREAM = (
    "evaluation_runs",
    "evaluation_metrics",
    "walk_forward",
    "stress_tests",
    "overfitting_controls",
    "portfolio_fit",
)
NO_PROFILE = "no_profile_for_stage"
NO_WORLD = "unknown_world"
UNJUDGED = "unjudged"
LAG = "sample.data_lag_s"


@dataclass(frozen=True)
class _Docket:
    """The runs of one day, where they were read, and those that nobody can judge, with reason code and reason.

    `run_ids` are all that the day's evaluation_runs name.
    """

    day: str
    inputs: dict[str, Input]
    cases: list[Case]
    unjudged: dict[str, tuple[str, str]]
    run_ids: list[str]


def judge_runs(evaluation: Evaluation, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of the named datasets, after telling the ledger of policies and verdicts."""
    for world in evaluation.settings.worlds.known.values():
        record_world(evaluation.ledger, world)
    dockets = [_docket(evaluation, day) for day in days]
    court = Court(evaluation.ledger, [case for docket in dockets for case in docket.cases])
    judged = {docket.day: [court.judge(case) for case in docket.cases] for docket in dockets}
    record_evaluations(evaluation.ledger, [run.to_body() for runs in judged.values() for run in runs])
    around = Surroundings(evaluation.ledger)
    manifests: list[Manifest] = []
    for done, docket in enumerate(dockets, 1):
        docket.inputs.update(around.verdicts(around.named(docket.run_ids)))
        tables = [(name, _tables(name, docket, judged[docket.day])) for name in names]
        manifests += [publish_day(evaluation, name, docket.day, made) for name, made in tables]
        evaluation.progress("rule_results", done, len(days))
    return manifests


@dataclass(frozen=True)
class JudgedDay:
    """The judged runs of a day, the ids of all its runs, and what they were read from."""

    runs: list[EvaluationRun]
    run_ids: list[str]
    inputs: dict[str, Input]


def judged_day(evaluation: Evaluation, day: str) -> JudgedDay:
    """Return the runs of a day as `judge_runs` recorded them."""
    docket = _docket(evaluation, day)
    court = Court(evaluation.ledger, docket.cases)
    return JudgedDay([court.judge(case) for case in docket.cases], docket.run_ids, docket.inputs)


def _docket(evaluation: Evaluation, day: str) -> _Docket:
    inputs: dict[str, Input] = {}
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, table in zip(UPSTREAM, ("runs", "metrics", "folds", "scenarios", "controls", "fit"), strict=True):
        opened, read = open_partition(evaluation.lake, name, day)
        inputs |= read
        tables[name] = rows_of(opened, table)
    metrics = metrics_of([row for name in ("evaluation_metrics", *UPSTREAM[4:]) for row in tables[name]])
    cases, unjudged = [], {}
    for row in tables["evaluation_runs"]:
        if row["world_id"] not in evaluation.settings.worlds.known:
            unjudged[row["run_id"]] = (NO_WORLD, _no_world(row["world_id"], evaluation.settings.worlds))
            continue
        try:
            cases.append(_case(evaluation, row, metrics.get(row["run_id"], {})))
        except ConfigError as error:
            unjudged[row["run_id"]] = (NO_PROFILE, str(error))
    return _Docket(day, inputs, cases, unjudged, [row["run_id"] for row in tables["evaluation_runs"]])


def _no_world(world_id: str, worlds: Worlds) -> str:
    broken = "".join(f"; {name} cannot be accepted: {why}" for name, why in sorted(worlds.broken.items()))
    return f"there is no world {world_id}{broken}"


def _case(evaluation: Evaluation, row: Mapping[str, Any], metrics: Mapping[str, Any]) -> Case:
    world = evaluation.settings.worlds.known[row["world_id"]]
    manifest = evaluation.measurer.run(row["bundle_sha256"]).manifest
    stage = Stage(manifest.stage)
    health = {f"diagnostics.validation_health.{k}": v for k, v in validation_health(world, stage, metrics).items()}
    known = {**metrics, **health}
    if LAG in _asked(world, stage):
        known[LAG] = _lag(evaluation, row)
    return Case(manifest, row["bundle_sha256"], world, known, judge_run(world, stage, known))


def _asked(world: World, stage: Stage) -> set[str]:
    """Return the metrics that a world's rules for a stage, or its gates, look at."""
    rules = {name for rule in world.rules(stage) if rule.configured for bound in rule.bounds for name in bound.needs}
    gates = {name for gate in world.gates for expression in (*gate.blocking, *gate.watch) for name in expression.names}
    return rules | gates


def _lag(evaluation: Evaluation, row: Mapping[str, Any]) -> float:
    """Return how old the data were when the ledger learnt of the run: no time that its maker set is asked.

    Worked out only where a world asks, since it is the one metric that depends on when a bundle was handed in.
    """
    receipt = evaluation.ledger.latest(f"receipt/{row['run_id']}")
    last_step = evaluation.bundles.open(row["bundle_sha256"]).steps["ts_end"][-1].as_py()
    return (receipt.recorded_at - last_step).total_seconds() if receipt else math.nan


def _tables(name: str, docket: _Docket, judged: Sequence[EvaluationRun]) -> MadeTables:
    counts = Counts(
        len(docket.run_ids),
        len(judged),
        quarantined=dict(Counter(code for code, _ in docket.unjudged.values())),
    )
    inputs = docket.inputs | {"verdicts": ledger_input(run.to_body() for run in judged)}
    tables = _ROWS[name](judged)
    known = from_these(tables, docket.run_ids, "the day's evaluation_runs")
    return MadeTables(tables, inputs, counts, [known, *_checks(judged)], _extra(docket, judged))


def _extra(docket: _Docket, judged: Sequence[EvaluationRun]) -> dict[str, Any]:
    """Return what a manifest tells beside its tables: who was not judged, and how each world's runs came out."""
    unjudged = {
        run_id: {"reason": code, "message": message} for run_id, (code, message) in sorted(docket.unjudged.items())
    }
    worlds = sorted({run.world.world_id for run in judged})
    told = {world_id: _outcome([run for run in judged if run.world.world_id == world_id]) for world_id in worlds}
    return {UNJUDGED: unjudged, "worlds": told}


def _outcome(judged: Sequence[EvaluationRun]) -> dict[str, float | int | None]:
    """Return how many runs passed, warned and failed, and the median of the Sharpe ratios that are known."""
    counted = Counter(run.summary.status for run in judged)
    ratios = [float(run.metrics.get("returns.sharpe_daily", math.nan)) for run in judged]
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    return {
        "runs": len(judged),
        "passed": counted[Status.PASS],
        "warned": counted[Status.WARN],
        "failed": counted[Status.FAIL],
        "median_sharpe": median(known) if known else None,
    }


def _results(judged: Sequence[EvaluationRun]) -> dict[str, list[Row]]:
    return {
        "results": [
            {
                "run_id": run.manifest.run_id,
                **result.to_dict(),
                "details": canon.dumps(json_value(dict(result.details))).decode(),
            }
            for run in judged
            for result in run.results
        ],
        "verdicts": [
            {
                "run_id": run.manifest.run_id,
                "world_id": run.manifest.world_id,
                "strategy_id": run.manifest.strategy_id,
                "stage": run.manifest.stage.value,
                **run.summary.to_dict(),
                "counts_for_release": run.release.counts,
                "policy_version": run.world.version,
                "ruleset_hash": run.world.ruleset_hash,
                "profile": run.profile,
            }
            for run in judged
        ],
    }


def _gates(judged: Sequence[EvaluationRun]) -> dict[str, list[Row]]:
    return {
        "gates": [
            {"run_id": run.manifest.run_id, "gate": gate.stage, "status": gate.status, "reasons": list(gate.reasons)}
            for run in judged
            for gate in run.gates
        ]
    }


def _checks(judged: Sequence[EvaluationRun]) -> list[Check]:
    open_ = [run.manifest.run_id for run in judged if run.summary.status is Status.PASS and not _is_shown(run)]
    gamed = [f"{run.manifest.run_id}: {flag.sign}" for run in judged for flag in run.gaming.raised]
    return [
        check(
            "fail_closed", "passes with a metric missing or invalid, or with no rule executed", len(open_), sample=open_
        ),
        replace(check("no_gaming", "signs of gaming", len(gamed), sample=gamed), blocking=False),
    ]


def _is_shown(run: EvaluationRun) -> bool:
    """Return whether a pass rests on rules that ran, on metrics that were there, on a run whose accounting holds."""
    executed = [result for result in run.results if result.executed]
    blind = [result for result in run.results if result.reason_code in (MISSING_METRIC, INVALID_METRIC)]
    return bool(executed) and not blind and run.metrics.get("triage.integrity_broken") is False


_ROWS = {"rule_results": _results, "stage_gates": _gates}
