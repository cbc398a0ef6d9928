"""The pipeline of verdicts: bundles in, measured, compared, judged, reported on. Declared once, for both doors."""

from __future__ import annotations

from collections.abc import Sequence

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import LakeError
from distill_platform.evaluation.arrivals import ArrivalRecord, known_arrivals
from distill_platform.evaluation.stage import Evaluation, code_version
from distill_platform.evaluation.stages.arrivals import receive_bundles
from distill_platform.evaluation.stages.cohorts import Cohort, compare_runs
from distill_platform.evaluation.stages.judging import judge_runs
from distill_platform.evaluation.stages.measuring import measure_runs
from distill_platform.evaluation.stages.reporting import write_reports
from distill_platform.store.stages import Pipeline, Stage, refuse_failed, steps

_FACTS = ("receipt/", "trial/")
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


def receive(evaluation: Evaluation) -> None:
    """Take in what lies in the inbox, so that the ledger knows on which day it arrived; nothing is judged."""
    receive_bundles(evaluation, (), ())


def waiting_days(evaluation: Evaluation) -> list[str]:
    """Return the days of arrival whose verdicts are not those of now, in order.

    Those are days with bundles that were never judged, with runs whose cohort has grown since, or whose world or code
    has changed: then what was said of them is no longer what would be said.
    """
    by_day: dict[str, list[ArrivalRecord]] = {}
    for arrival in known_arrivals(evaluation.ledger):
        by_day.setdefault(arrival.day, []).append(arrival)
    return [day for day in sorted(by_day) if not _is_current(evaluation, day, by_day[day])]


def _is_current(evaluation: Evaluation, day: str, arrivals: Sequence[ArrivalRecord]) -> bool:
    try:
        received, controls = (
            evaluation.lake.open(name, day).manifest for name in ("run_bundles", "overfitting_controls")
        )
        reported = evaluation.lake.open("evaluation_reports", day).manifest
    except LakeError:
        return False
    trials = {f"trials:{cohort_id}": Cohort(evaluation, cohort_id).input for cohort_id in _cohorts(arrivals)}
    return (
        received.counts.rows_out == len(arrivals)
        and {name: controls.inputs[name] for name in controls.inputs if name in trials} == trials
        and (reported.config_hash, reported.code_version) == (evaluation.settings.worlds_hash, code_version())
    )


def _cohorts(arrivals: Sequence[ArrivalRecord]) -> list[str]:
    return sorted({arrival.cohort_id for arrival in arrivals})


def ledger_state(evaluation: Evaluation, days: Sequence[str]) -> str:
    """Return a hash of what judging some days would rest on: their bundles, all trials, and the policies."""
    heads = [(head.stream, head.digest) for head in evaluation.ledger.heads() if head.stream.startswith(_FACTS)]
    return sig_hash({"days": list(days), "heads": heads, "policies": evaluation.settings.worlds_hash})
