"""What a new policy would change: every run judged by both, and told apart by strategy and run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from distill_platform.policy.dry_run import DryRun, JudgedRun, dry_run
from distill_platform.policy.gates import GateResult, judge_gates
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.words import Stage
from distill_platform.policy.world import World


@dataclass(frozen=True)
class Change:
    """What one rule or gate said before and says now; None where it is not there."""

    name: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None

    def to_dict(self, kind: str) -> dict[str, Any]:
        """Return the change as a JSON value."""
        return {kind: self.name, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class RunDifference:
    """What changes for one run. Its verdict is its status and whether its strategy is selected."""

    strategy_id: str
    run_id: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    rules: tuple[Change, ...]
    gates: tuple[Change, ...]

    @property
    def verdict_changes(self) -> bool:
        """Return whether status or selection differ."""
        return self.old != self.new

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as a JSON value."""
        return {
            "strategy_id": self.strategy_id,
            "run_id": self.run_id,
            "verdict_changes": self.verdict_changes,
            "old": dict(self.old),
            "new": dict(self.new),
            "rules": [change.to_dict("rule") for change in self.rules],
            "gates": [change.to_dict("stage") for change in self.gates],
        }


@dataclass(frozen=True)
class PolicyDiff:
    """All runs for which anything changes, by strategy_id and run_id."""

    old: World
    new: World
    stage: Stage
    runs: int
    changes: tuple[RunDifference, ...]

    @property
    def changed_verdicts(self) -> int:
        """Return how many runs get another verdict."""
        return sum(change.verdict_changes for change in self.changes)

    @property
    def impact(self) -> float:
        """Return the share of runs that get another verdict."""
        return self.changed_verdicts / self.runs if self.runs else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the answer of `distill policy diff`."""
        return {
            "old": _about(self.old),
            "new": _about(self.new),
            "stage": self.stage.value,
            "runs": self.runs,
            "changed_verdicts": self.changed_verdicts,
            "impact": self.impact,
            "changes": [change.to_dict() for change in self.changes],
        }


def policy_diff(old: World, new: World, lines: Iterable[MetricsLine], stage: Stage = Stage.BACKTEST) -> PolicyDiff:
    """Return what changes when runs of `stage` are judged by `new` instead of `old`; their order does not matter.

    Raises ConfigError where one of the two has no profile for the stage.
    """
    lines = tuple(lines)
    before, after = dry_run(old, stage, lines), dry_run(new, stage, lines)
    found = [_difference(before, after, *pair) for pair in zip(before.runs, after.runs, strict=True)]
    changes = tuple(change for change in found if change.verdict_changes or change.rules or change.gates)
    return PolicyDiff(old, new, stage, len(lines), changes)


def _difference(before: DryRun, after: DryRun, old: JudgedRun, new: JudgedRun) -> RunDifference:
    gates = [judge_gates(run.world, judged.line.metrics) for run, judged in ((before, old), (after, new))]
    return RunDifference(
        *old.line.key,
        _verdict(before, old),
        _verdict(after, new),
        tuple(_changes(_rules(old.results), _rules(new.results))),
        tuple(_changes(_gates(gates[0]), _gates(gates[1]))),
    )


def _verdict(run: DryRun, judged: JudgedRun) -> dict[str, Any]:
    return {**judged.summary.to_dict(), "selected": judged.line.strategy_id in run.selected}


def _rules(results: Iterable[RuleResult]) -> Mapping[str, Mapping[str, Any]]:
    """Return what each rule says: its first result, which is the worst, and all of its bounds."""
    said: dict[str, dict[str, Any]] = {}
    for result in results:
        first = {name: value for name, value in result.to_dict().items() if name not in ("rule", "tags")}
        said.setdefault(result.rule, {**first, "parameters": []})["parameters"].extend(result.parameters)
    return said


def _gates(results: Iterable[GateResult]) -> dict[str, Mapping[str, Any]]:
    return {result.stage: {"status": result.status.value, "reasons": list(result.reasons)} for result in results}


def _changes(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Change(name, old.get(name), new.get(name))


def _about(world: World) -> dict[str, Any]:
    return {"world_id": world.world_id, "policy_version": world.version, "ruleset_hash": world.ruleset_hash}
