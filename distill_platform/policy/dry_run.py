"""The dry run: a whole set of runs judged and selected by a world, without anything being recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill_platform.policy.judging import Judgement, judge_run
from distill_platform.policy.ranking import MetricsLine, ranks
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.rules.bound import number
from distill_platform.policy.selecting import Context, select
from distill_platform.policy.selection import DEFAULT_RANK
from distill_platform.policy.summary import Summary, summarize
from distill_platform.policy.words import Stage, Status
from distill_platform.policy.world import World

NO_CONTEXT = Context()
_DSR = "robustness.deflated_sharpe_ratio"


@dataclass(frozen=True)
class JudgedRun:
    """A run with its verdict; `results` has the selection's too where that left its strategy out."""

    line: MetricsLine
    results: tuple[RuleResult, ...]
    summary: Summary

    def to_dict(self) -> dict[str, Any]:
        """Return the run as a JSON value."""
        return {
            "strategy_id": self.line.strategy_id,
            "run_id": self.line.run_id,
            "summary": self.summary.to_dict(),
            "results": [result.to_dict() for result in self.results],
        }


@dataclass(frozen=True)
class DryRun:
    """All runs by strategy_id and run_id, and the selected strategies, best first."""

    world: World
    stage: Stage
    selected: tuple[str, ...]
    runs: tuple[JudgedRun, ...]

    @property
    def failed(self) -> int:
        """Return how many runs failed."""
        return sum(run.summary.status is Status.FAIL for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer of `distill policy evaluate`."""
        return {
            "world_id": self.world.world_id,
            "policy_version": self.world.version,
            "ruleset_hash": self.world.ruleset_hash,
            "stage": self.stage.value,
            "selected": list(self.selected),
            "runs": [run.to_dict() for run in self.runs],
        }


def dry_run(world: World, stage: Stage, lines: Iterable[MetricsLine], context: Context = NO_CONTEXT) -> DryRun:
    """Return the verdict on each run and the selection among them; the order of `lines` does not matter.

    Cohort metrics that a line does not bring along are computed over all lines. Raises ConfigError for a stage
    without a profile.
    """
    ordered = sorted(with_cohort(lines), key=lambda line: line.key)
    judged = {line.key: judge_run(world, stage, line.metrics) for line in ordered}
    candidates = [line for line in ordered if judged[line.key].summary.status is not Status.FAIL]
    selected = select(world.selection, candidates, context)
    runs = tuple(_with_selection(line, judged[line.key], selected.left_out) for line in ordered)
    return DryRun(world, stage, selected.strategies, runs)


def _with_selection(line: MetricsLine, judgement: Judgement, left_out: Mapping[str, RuleResult]) -> JudgedRun:
    """Return the run; one that failed was no candidate, so its strategy's other run was left out, not this one."""
    why = left_out.get(line.strategy_id)
    if why is None or judgement.summary.status is Status.FAIL:
        return JudgedRun(line, judgement.results, judgement.summary)
    results = (*judgement.results, why)
    return JudgedRun(line, results, summarize(results))


def with_cohort(lines: Iterable[MetricsLine]) -> list[MetricsLine]:
    """Return the runs with `cohort.sharpe_median`, `dsr_median` and `rank` over all of them where they have none."""
    lines = list(lines)
    medians = {
        "cohort.sharpe_median": _median([line.metrics.get(DEFAULT_RANK) for line in lines]),
        "cohort.dsr_median": _median([line.metrics.get(_DSR) for line in lines]),
    }
    places = ranks(lines, DEFAULT_RANK)
    return [
        MetricsLine(line.strategy_id, line.run_id, {**medians, "cohort.rank": places.get(line.key), **line.metrics})
        for line in lines
    ]


def _median(values: Sequence[object]) -> float | None:
    """Return the median with unusable values as the worst; None where the middle one is unusable."""
    usable = sorted((value for raw in values if (value := number(raw)) is not None), reverse=True)
    below, above = (len(values) - 1) // 2, len(values) // 2
    if above >= len(usable):
        return None
    return (float(usable[below]) + float(usable[above])) / 2
