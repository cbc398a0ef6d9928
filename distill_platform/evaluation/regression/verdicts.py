"""Verdicts on a regression set: which runs a policy lets through, which it stops, and whether for what they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from distill_platform.core.expression import Verdict
from distill_platform.evaluation.regression.truths import Expected, Outcome, Truth, expected
from distill_platform.policy.gates import CompiledGate, GateResult, judge_gates
from distill_platform.policy.judging import judge_run
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.rules.bound import Metrics
from distill_platform.policy.rules.result import INVALID_METRIC, MISSING_METRIC, OK, RuleResult
from distill_platform.policy.words import GateStatus, Stage, Status
from distill_platform.policy.world import World

ENOUGH = 0.8
"""The share of runs of a truth that must get through, or must raise an alarm; of what must be stopped, all must be."""

_UNKNOWN = (OK, MISSING_METRIC, INVALID_METRIC)


@dataclass(frozen=True)
class TruthVerdict:
    """What became of one run. `status` is what its rules come to, `gate` the first that did not open, empty if all did.

    `reasons` are what speaks against it in the policy's own words, reason codes of rules and expressions of gates;
    `is_seen` says whether one of them is about what the run is. What cannot be decided for want of a metric is none.
    """

    truth: Truth
    run_id: str
    outcome: Outcome
    status: Status
    gate: str
    reasons: tuple[str, ...]
    is_seen: bool

    @property
    def as_expected(self) -> bool:
        """Return whether the run met the fate that it should."""
        wanted = expected(self.truth)
        return self.outcome in wanted.outcomes and (wanted.must_pass or self.is_seen)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as a JSON value."""
        return {
            "truth": self.truth.value,
            "run_id": self.run_id,
            "outcome": self.outcome.value,
            "as_expected": self.as_expected,
            "status": self.status.value,
            "gate": self.gate or None,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class TruthSummary:
    """All runs of one truth: how many met the fate that they should, and what is wrong if too few did."""

    truth: Truth
    runs: tuple[TruthVerdict, ...]

    @property
    def expected(self) -> Expected:
        """Return what must become of them."""
        return expected(self.truth)

    @property
    def wanted(self) -> list[str]:
        """Return what may become of them, in words."""
        return [outcome.value for outcome in Outcome if outcome in self.expected.outcomes]

    @property
    def as_expected(self) -> int:
        """Return how many of them met it."""
        return sum(run.as_expected for run in self.runs)

    @property
    def holds(self) -> bool:
        """Return whether enough of them did: all of those that must be stopped, `ENOUGH` of others, never none."""
        share = 1.0 if self.expected.outcomes == {Outcome.STOPPED} else ENOUGH
        return self.as_expected >= max(math.ceil(share * len(self.runs)), 1)

    @property
    def problem(self) -> str:
        """Return what is wrong, in one sentence; empty if nothing is."""
        if self.holds:
            return ""
        wrong = [run for run in self.runs if not run.as_expected]
        of = f"{self.truth}: {len(wrong)} of {len(self.runs)} runs"
        if self.expected.must_pass:
            return f"{of} that should get through are stopped by {_listed(self.reasons_of(wrong))}"
        through = [run for run in wrong if run.outcome not in self.expected.outcomes]
        if through:
            return f"{self.truth}: {len(through)} of {len(self.runs)} runs get through"
        why = _listed(self.reasons_of(wrong)) or "a metric that is missing"
        return f"{of} are stopped by {why} alone: nothing in this policy sees what they are"

    def reasons_of(self, runs: Iterable[TruthVerdict]) -> list[str]:
        """Return what speaks against some of the runs, the most frequent first."""
        return [reason for reason, _ in Counter(reason for run in runs for reason in run.reasons).most_common()]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as a JSON value."""
        outcomes = Counter(run.outcome for run in self.runs)
        return {
            "truth": self.truth.value,
            "expected": self.wanted,
            "runs": len(self.runs),
            "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
            "as_expected": self.as_expected,
            "holds": self.holds,
            "problem": self.problem or None,
        }


@dataclass(frozen=True)
class Regression:
    """A policy after its regression set: one summary for each truth."""

    world: World
    truths: tuple[TruthSummary, ...]

    @property
    def holds(self) -> bool:
        """Return whether the policy tells all truths apart."""
        return all(summary.holds for summary in self.truths)

    @property
    def problems(self) -> list[str]:
        """Return what is wrong, a sentence for each truth that is not told."""
        return [summary.problem for summary in self.truths if not summary.holds]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer of `distill policy regress`."""
        return {
            "world_id": self.world.world_id,
            "policy_version": self.world.version,
            "ruleset_hash": self.world.ruleset_hash,
            "holds": self.holds,
            "problems": self.problems,
            "truths": [summary.to_dict() for summary in self.truths],
            "runs": [run.to_dict() for summary in self.truths for run in summary.runs],
        }


def judge_regression(world: World, lines: Iterable[MetricsLine]) -> Regression:
    """Return what a policy makes of a regression set, by its rules for backtests and its gates; in any order.

    Gates count up to the first that awaits a person's decision; the selection among runs does not count, as it is about
    which of the good ones are taken. A truth without runs is not told. Raises ConfigError for a world without a profile
    for backtests, ValueError for a line whose strategy is no truth.
    """
    ordered = sorted(lines, key=lambda line: line.key)
    verdicts = [_verdict(world, line) for line in ordered]
    return Regression(world, tuple(_summary(truth, verdicts) for truth in Truth))


def _summary(truth: Truth, verdicts: Sequence[TruthVerdict]) -> TruthSummary:
    return TruthSummary(truth, tuple(verdict for verdict in verdicts if verdict.truth is truth))


def _verdict(world: World, line: MetricsLine) -> TruthVerdict:
    truth, judgement = Truth(line.strategy_id), judge_run(world, Stage.BACKTEST, line.metrics)
    gates = list(takewhile(lambda gate: gate.governance is None, world.gates))
    results = judge_gates(world, line.metrics)[: len(gates)]
    status, closed = judgement.summary.status, _first_closed(results)
    if status is Status.FAIL or closed:
        outcome = Outcome.STOPPED
    elif status is Status.WARN or any(gate.status is GateStatus.WATCH for gate in results):
        outcome = Outcome.WATCHED
    else:
        outcome = Outcome.PASSED
    spoken = [*_by_rules(judgement.results), *_by_gates(gates, line.metrics)]
    reasons = tuple(dict.fromkeys(reason for reason, _ in spoken))
    is_seen = any(expected(truth).is_reason(metric) for _, metric in spoken)
    return TruthVerdict(truth, line.run_id, outcome, status, closed, reasons, is_seen)


def _first_closed(gates: Iterable[GateResult]) -> str:
    return next((gate.stage for gate in gates if gate.status not in (GateStatus.PASS, GateStatus.WATCH)), "")


def _by_rules(results: Iterable[RuleResult]) -> Iterator[tuple[str, str]]:
    """Yield reason code and metric of each bound that a known value is past."""
    for result in results:
        for found in result.parameters if result.status is not Status.PASS else ():
            if found["reason_code"] not in _UNKNOWN:
                yield found["reason_code"], found["metric"]


def _by_gates(gates: Iterable[CompiledGate], metrics: Metrics) -> Iterator[tuple[str, str]]:
    """Yield text and metrics of each expression that speaks against a run, of gates behind a closed one as well."""
    for gate in gates:
        against = [rule for rule in gate.blocking if rule.evaluate(metrics.get) is Verdict.FALSE]
        against += [rule for rule in gate.watch if rule.evaluate(metrics.get) is Verdict.TRUE]
        yield from ((rule.text, name) for rule in against for name in rule.names)


def _listed(reasons: Sequence[str]) -> str:
    return ", ".join(reasons[:3]) + (f" and {len(reasons) - 3} more" if len(reasons) > 3 else "")
