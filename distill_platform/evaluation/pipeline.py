"""The pipeline of verdicts: bundles in, measured, compared, judged, reported on. Declared once, for both doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distill_platform.evaluation.arrivals import known_arrivals
from distill_platform.evaluation.stage import Evaluation, code_version
from distill_platform.evaluation.stages.arrivals import receive_bundles
from distill_platform.evaluation.stages.cohorts import compare_runs
from distill_platform.evaluation.stages.judging import judge_runs
from distill_platform.evaluation.stages.measuring import measure_runs
from distill_platform.evaluation.stages.reporting import write_reports
from distill_platform.store.stages import Pipeline, Stage, refuse_failed, steps

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
    Stage("run_bundles", (), receive_bundles, "Sealed runs that arrived, and those that were refused, with the reason."),
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


@dataclass(frozen=True)
class Waiting:
    """Days with something to do: bundles that were never judged, and cohorts that have grown since they were."""

    arrived: tuple[str, ...]
    outgrown: tuple[str, ...]

    @property
    def days(self) -> list[str]:
        """Return all of these days in order."""
        return sorted({*self.arrived, *self.outgrown})


def waiting_days(evaluation: Evaluation) -> Waiting:
    """Return the days on which bundles arrived, as the ledger knows them, whose verdicts are not those of now."""
    arrivals = known_arrivals(evaluation.ledger)
    days = sorted({arrival.day for arrival in arrivals})
    arrived = [day for day in days if not _is_current(evaluation, day)]
    return Waiting(tuple(arrived), ())


def _is_current(evaluation: Evaluation, day: str) -> bool:
    return evaluation.lake.manifest("evaluation_reports", day) is not None
