"""The pipeline of verdicts: bundles in, measured, compared, judged, reported on. Declared once, for both doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill_platform.core.canon import sha256_hex, sig_hash
from distill_platform.core.errors import LakeError
from distill_platform.evaluation.arrivals import ArrivalRecord
from distill_platform.evaluation.inbox import Refused
from distill_platform.evaluation.stage import Evaluation, code_version
from distill_platform.evaluation.stages.arrivals import TurnedAway, day_of, receive_bundles, refused_row
from distill_platform.evaluation.stages.cohorts import compare_runs
from distill_platform.evaluation.stages.judging import judge_runs
from distill_platform.evaluation.stages.measuring import measure_runs
from distill_platform.evaluation.stages.reporting import write_reports
from distill_platform.evaluation.surroundings import Surroundings
from distill_platform.store.lake.tables import rows_of
from distill_platform.store.stages import Pipeline, Stage, refuse_failed, steps

_FACTS = ("receipt/", "trial/", "evaluation/")
_BESIDE = ("overfitting_controls", "portfolio_fit", "rule_results", "evaluation_reports")
_RUNS = ("evaluation_runs",)
_MEASURED = ("run_bundles",)
_JUDGED = (
    "evaluation_runs",
    "evaluation_metrics",
    "walk_forward",
    "stress_tests",
    "overfitting_controls",
    "portfolio_fit",
)

STAGES: tuple[Stage[Evaluation], ...] = (
    Stage("run_bundles", (), receive_bundles, "Sealed runs that arrived, and what was refused, and why."),
    Stage("evaluation_runs", _MEASURED, measure_runs, "Each run's integrity; it counts as a trial from here on."),
    Stage("evaluation_metrics", _MEASURED, measure_runs, "Every metric that a run's own bundle gives."),
    Stage("walk_forward", _MEASURED, measure_runs, "What was made in sample and out of sample, fold by fold."),
    Stage("stress_tests", _MEASURED, measure_runs, "Each run priced again under every scenario of its world."),
    Stage("triage", _MEASURED, measure_runs, "Where to look first, and why."),
    Stage("overfitting_controls", _RUNS, compare_runs, "What a run is worth given all that was tried to find it."),
    Stage("portfolio_fit", _RUNS, compare_runs, "How a run fits what trades already, and its own backtest."),
    Stage("node_contributions", _RUNS, compare_runs, "What each node of a strategy adds, by ablation."),
    Stage("rule_results", _JUDGED, judge_runs, "The verdict of every rule, and of all together."),
    Stage("stage_gates", _JUDGED, judge_runs, "The gates, one after the other, as far as a run comes."),
    Stage(
        "evaluation_reports",
        ("rule_results", "stage_gates", "triage", "node_contributions"),
        write_reports,
        "What a reviewer reads in a minute, and a machine too.",
    ),
)

PIPELINE = Pipeline(STAGES, code_version)


def run_all(evaluation: Evaluation, days: Sequence[str], run_id: str) -> None:
    """Run all stages over `days`. Raises GateRefused as soon as a stage's own checks do not hold."""
    for step in steps(STAGES):
        refuse_failed(PIPELINE.run_step(evaluation, step, days, run_id).manifests)


def waiting_days(evaluation: Evaluation, turned_away: Sequence[TurnedAway] = ()) -> list[str]:
    """Return the days of arrival whose verdicts are not those of now, in order.

    Those are days with bundles that were never judged, or refused and never shown; with runs beside which others stand
    by now, in their cohorts, their worlds or among the verdicts on their strategies; and all days when a world or the
    code has changed. Judging all of them leaves none. `turned_away` is what `receive` said.
    """
    around = Surroundings(evaluation.ledger)
    own: dict[str, list[ArrivalRecord]] = {}
    for arrival in around.arrivals:
        own.setdefault(arrival.day, []).append(arrival)
    refused: dict[str, list[dict[str, str]]] = {}
    for one in turned_away:
        if isinstance(one, Refused):
            refused.setdefault(day_of(one), []).append(refused_row(one))
    return [
        day
        for day in sorted(own.keys() | refused.keys())
        if not (
            _is_shown(evaluation, day, own.get(day, []), refused.get(day, []))
            and _is_current(evaluation, day, own.get(day, []), around)
        )
    ]


def _is_shown(
    evaluation: Evaluation, day: str, own: Sequence[ArrivalRecord], refused: Sequence[dict[str, str]]
) -> bool:
    """Return whether a day's bundles are those that arrived, and its reports lie where they should."""
    try:
        bundles = evaluation.lake.open("run_bundles", day)
        reports = evaluation.lake.open("evaluation_reports", day)
    except LakeError:
        return False
    shown = rows_of(bundles, "refused")
    whole = all(_is_whole(evaluation.lake.root / row["path"], row) for row in rows_of(reports, "reports"))
    return whole and bundles.manifest.counts.rows_out == len(own) and all(row in shown for row in refused)


def _is_whole(path: Path, row: Mapping[str, Any]) -> bool:
    """Return whether an artifact is what was written, byte for byte."""
    return path.is_file() and path.stat().st_size == row["bytes"] and sha256_hex(path.read_bytes()) == row["sha256"]


def _is_current(evaluation: Evaluation, day: str, own: Sequence[ArrivalRecord], around: Surroundings) -> bool:
    """Return whether a day's verdicts rest on the code, the worlds and the surroundings of now."""
    try:
        made = [evaluation.lake.open(name, day).manifest for name in _BESIDE]
    except LakeError:
        return False
    remembered = {name: read for manifest in made for name, read in manifest.inputs.items()}
    version, worlds = code_version(), evaluation.settings.worlds_hash
    return (
        all((manifest.code_version, manifest.config_hash) == (version, worlds) for manifest in made)
        and around.is_measured(own)
        and around.of(own).items() <= remembered.items()
    )


def ledger_state(evaluation: Evaluation, days: Sequence[str]) -> str:
    """Return a hash of what judging some days would rest on: their bundles, all trials, and the policies."""
    heads = [(head.stream, head.digest) for head in evaluation.ledger.heads() if head.stream.startswith(_FACTS)]
    return sig_hash({"days": list(days), "heads": heads, "policies": evaluation.settings.worlds_hash})
