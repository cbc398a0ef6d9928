"""Measuring: each run alone. Integrity first: one whose accounting is broken keeps nothing but its invariants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.evaluation.measured import KEPT_OF_BROKEN, Measured
from distill_platform.evaluation.records import record_trials
from distill_platform.evaluation.schemas import DAILY
from distill_platform.evaluation.stage import Evaluation, from_these, ledger_input, publish_day
from distill_platform.evaluation.trial_book import TrialBook
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, Row, open_partition, rows_of

_ABOUT_BROKEN = ("runs", "tags")
_NO_DAYS, _NONE = np.empty(0, "datetime64[D]"), np.empty(0)


def measure_runs(evaluation: Evaluation, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of the named datasets, after telling the ledger of every run as a trial."""
    read = {day: open_partition(evaluation.lake, "run_bundles", day) for day in days}
    bundles = {day: rows_of(opened, "bundles") for day, (opened, _) in read.items()}
    measured = {day: measured_runs(evaluation, rows) for day, rows in bundles.items()}
    record_trials(evaluation.ledger, [run.alone for runs in measured.values() for run in runs])
    book = TrialBook(evaluation.ledger)
    manifests: list[Manifest] = []
    for done, (day, (_, inputs)) in enumerate(read.items(), 1):
        runs = [_held(run, book) for run in measured[day]]
        for name in names:
            made = _tables(name, bundles[day], runs, inputs | _twins(runs))
            manifests.append(publish_day(evaluation, name, day, made))
        evaluation.progress("evaluation_metrics", done, len(days))
    return manifests


def measured_runs(evaluation: Evaluation, bundles: Sequence[Mapping[str, Any]]) -> list[Measured]:
    """Return the runs of some rows of `run_bundles`, measured; in their order, whatever the number of threads."""
    with ThreadPoolExecutor(evaluation.settings.workers) as pool:
        return list(pool.map(evaluation.measurer.run, [row["bundle_sha256"] for row in bundles]))


def _held(run: Measured, book: TrialBook) -> Measured:
    """Return a run held against all that claim to be the same."""
    return replace(run, reproduced=book.cohort(run.manifest.cohort_id).reproduction.match(run.run_id))


def _twins(runs: Sequence[Measured]) -> dict[str, Input]:
    """Return how the stage remembers what other runs said of these."""
    return {"twins": ledger_input({"run": run.run_id, "match": run.reproduced} for run in runs)}


def _tables(name: str, bundles: Sequence[Row], runs: Sequence[Measured], inputs: Mapping[str, Input]) -> MadeTables:
    tables = _ROWS[name](runs)
    measured = {run.run_id for run in runs}
    counts = Counts(len(bundles), sum(row["run_id"] in measured for row in bundles))
    known = from_these(tables, [row["run_id"] for row in bundles], "the bundles of the day")
    return MadeTables(tables, inputs, counts, [known, *_checks(tables, runs)])


def _checks(tables: Mapping[str, Sequence[Row] | pa.Table], runs: Sequence[Measured]) -> list[Check]:
    broken = [run.run_id for run in runs if not run.sound]
    leaked = sorted(_leaked(tables, set(broken)))
    told = "runs whose accounting is broken: excluded, and waiting for triage"
    return [
        check("integrity", "numbers of runs whose accounting is broken", len(leaked), sample=leaked),
        replace(check("nothing_broken", told, len(broken), sample=broken), blocking=False),
    ]


def _leaked(tables: Mapping[str, Sequence[Row] | pa.Table], broken: set[str]) -> Iterator[str]:
    """Yield what the tables hold of broken runs beyond what says that they are broken."""
    for name, table in tables.items():
        if name in _ABOUT_BROKEN:
            continue
        for row in table.select(["run_id"]).to_pylist() if isinstance(table, pa.Table) else table:
            if row["run_id"] in broken and not str(row.get("metric", "")).startswith(KEPT_OF_BROKEN):
                yield f"{row['run_id']}: {row.get('metric', name)}"


def _runs(runs: Sequence[Measured]) -> dict[str, list[Row]]:
    return {
        "runs": [
            {
                **_of(run),
                "world_id": run.manifest.world_id,
                "strategy_id": run.manifest.strategy_id,
                "stage": run.manifest.stage.value,
                "cohort_id": run.manifest.cohort_id,
                "bundle_sha256": run.alone.bundle_sha256,
                "sound": run.sound,
                "broken": list(run.broken),
                "notes": list(run.found.notes),
            }
            for run in runs
        ]
    }


def _metrics(runs: Sequence[Measured]) -> dict[str, Any]:
    return {
        "metrics": [{**_of(run), **row} for run in runs for row in metric_rows(run.metrics)],
        "daily": _daily([run for run in runs if run.sound]),
    }


def _daily(runs: Sequence[Measured]) -> pa.Table:
    days = [run.found.daily for run in runs]
    columns = {
        "run_id": np.repeat([run.run_id for run in runs], [len(one) for one in days]).tolist(),
        "day": np.concatenate([_NO_DAYS, *(one.days for one in days)]),
        "net": np.concatenate([_NONE, *(one.net for one in days)]),
        "gross": np.concatenate([_NONE, *(one.gross for one in days)]),
    }
    return pa.table(columns, DAILY)


def metric_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Return metrics as rows, sorted by name, each value in the column of its kind."""
    return [{"metric": name, **_value(metrics[name])} for name in sorted(metrics)]


def metrics_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the metrics of each run from such rows; one without any value is None."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        values = [row[column] for column in ("number", "flag", "text") if row[column] is not None]
        found.setdefault(row["run_id"], {})[row["metric"]] = values[0] if values else None
    return found


def _value(value: Any) -> dict[str, Any]:
    empty = {"number": None, "flag": None, "text": None}
    if isinstance(value, bool):
        return empty | {"flag": value}
    if isinstance(value, str):
        return empty | {"text": value}
    return empty | {"number": None if value is None else float(value)}


def _folds(runs: Sequence[Measured]) -> dict[str, list[Row]]:
    return {"folds": [{**_of(run), **vars(fold)} for run in runs if run.sound for fold in run.found.folds]}


def _stress(runs: Sequence[Measured]) -> dict[str, list[Row]]:
    return {
        "scenarios": [
            {**_of(run), "scenario": row.name, **vars(row)} for run in runs if run.sound for row in run.found.scenarios
        ],
        "cost_curve": [{**_of(run), **vars(point)} for run in runs if run.sound for point in run.found.cost_curve],
    }


def _triage(runs: Sequence[Measured]) -> dict[str, list[Row]]:
    return {"tags": [{**_of(run), "tags": run.triage, "reason": run.found.reason} for run in runs]}


def _of(run: Measured) -> dict[str, str]:
    return {"run_id": run.run_id}


_ROWS = {
    "evaluation_runs": _runs,
    "evaluation_metrics": _metrics,
    "walk_forward": _folds,
    "stress_tests": _stress,
    "triage": _triage,
}
