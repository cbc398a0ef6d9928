"""Judging stage gates: one after the other, each only when all before it have passed or are being watched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distill_platform.core.expression import Expression, Verdict, compile_expression
from distill_platform.policy.catalogue import ALIASES, kinds, possible
from distill_platform.policy.rules.bound import Metrics
from distill_platform.policy.stage_gates import StageGates
from distill_platform.policy.words import Approval, GateStatus

if TYPE_CHECKING:
    from distill_platform.policy.world import World

_SCENARIO = re.compile(r"\bstress\.([A-Za-z_][A-Za-z0-9_]*)\.")
_AWAITS = {
    Approval.MANUAL_APPROVAL: "awaits manual approval by a named person",
    Approval.TWO_KEY: "awaits two keys: the approval of two named people",
}
_OPEN = (GateStatus.PASS, GateStatus.WATCH)


@dataclass(frozen=True)
class GateResult:
    """What a gate says of a run. One behind a gate that did not open is not judged, and shows nothing."""

    stage: str
    status: GateStatus
    reasons: tuple[str, ...]
    judged: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {"stage": self.stage, "status": self.status.value, "reasons": list(self.reasons), "judged": self.judged}


@dataclass(frozen=True)
class CompiledGate:
    """A gate with its expressions checked."""

    stage: str
    blocking: tuple[Expression, ...]
    watch: tuple[Expression, ...]
    governance: Approval | None

    def judge(self, metrics: Metrics) -> GateResult:
        """Return the gate's verdict: what is false fails, what cannot be decided is too little to see."""
        read = possible(metrics)
        verdicts = [(rule, rule.evaluate(read)) for rule in self.blocking]
        if broken := [rule for rule, verdict in verdicts if verdict is Verdict.FALSE]:
            return self._result(GateStatus.FAIL, [_why_not(rule, metrics) for rule in broken])
        if unknown := [rule for rule, verdict in verdicts if verdict is Verdict.UNKNOWN]:
            return self._result(GateStatus.INSUFFICIENT_OBSERVATION, [_why_unknown(rule, metrics) for rule in unknown])
        if self.governance is not None:
            return self._result(GateStatus.INSUFFICIENT_OBSERVATION, [_AWAITS[self.governance]])
        if not self.blocking and not self.watch:
            return self._result(GateStatus.INSUFFICIENT_OBSERVATION, ["the world asks for nothing here"])
        return self._watched(metrics)

    def _watched(self, metrics: Metrics) -> GateResult:
        read = possible(metrics)
        verdicts = [(rule, rule.evaluate(read)) for rule in self.watch]
        alarms = [
            f"{rule.text} is an alarm: {_values(rule, metrics)}"
            if verdict is Verdict.TRUE
            else _why_unknown(rule, metrics)
            for rule, verdict in verdicts
            if verdict is not Verdict.FALSE
        ]
        return self._result(GateStatus.WATCH if alarms else GateStatus.PASS, alarms or [self._held()])

    def _held(self) -> str:
        if not self.blocking:
            return "no alarm"
        return f"all {len(self.blocking)} expressions hold" if len(self.blocking) > 1 else "the expression holds"

    def _result(self, status: GateStatus, reasons: Sequence[str]) -> GateResult:
        return GateResult(self.stage, status, tuple(reasons), judged=True)


def judge_gates(world: World, metrics: Metrics) -> tuple[GateResult, ...]:
    """Return what each of the world's gates says of a run, in their order."""
    results: list[GateResult] = []
    closed = ""
    for gate in world.gates:
        if closed:
            reasons = (f"not judged: {closed} has not opened",)
            results.append(GateResult(gate.stage, GateStatus.INSUFFICIENT_OBSERVATION, reasons, judged=False))
            continue
        results.append(gate.judge(metrics))
        closed = "" if results[-1].status in _OPEN else gate.stage
    return tuple(results)


def compile_gates(gates: StageGates, grid: Iterable[str] | None) -> tuple[CompiledGate, ...]:
    """Return the gates ready to judge; `grid` are the stress scenarios, None for those that the expressions name.

    Raises ExpressionError for a text outside the language, and for names and kinds that are not in the catalogue.
    """
    known = kinds(_named(gates) if grid is None else grid)

    def compiled(texts: Sequence[str]) -> tuple[Expression, ...]:
        return tuple(compile_expression(text, known, ALIASES) for text in texts)

    return tuple(
        CompiledGate(stage, compiled(gate.blocking), compiled(gate.watch), gate.governance)
        for stage, gate in gates.gates()
    )


def _named(gates: StageGates) -> set[str]:
    texts = [text for _, gate in gates.gates() for text in (*gate.blocking, *gate.watch)]
    return {name for text in texts for name in _SCENARIO.findall(text)}


def _why_not(rule: Expression, metrics: Metrics) -> str:
    return f"{rule.text} does not hold: {_values(rule, metrics)}"


def _why_unknown(rule: Expression, metrics: Metrics) -> str:
    return f"{rule.text} cannot be decided: {_values(rule, metrics)}"


def _values(rule: Expression, metrics: Metrics) -> str:
    return ", ".join(f"{name} is {_said(metrics, name)}" for name in rule.names)


def _said(metrics: Metrics, name: str) -> str:
    if name not in metrics:
        return "missing"
    value = metrics[name]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)[:100]
