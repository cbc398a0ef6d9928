"""Gating: a run that its rules would let through goes nowhere behind a gate that is closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from distill_platform.policy.gates import GateResult
from distill_platform.policy.rules.result import RuleResult, numbers
from distill_platform.policy.words import GateStatus, Owner, Severity, Status
from distill_platform.policy.world import World

RULE = "stage_gates"
_OPEN = (GateStatus.PASS, GateStatus.WATCH)


def gate_results(gates: Iterable[GateResult], undemanding: Iterable[str]) -> tuple[RuleResult, ...]:
    """Return the blocking failure of the first gate that is closed; none where all are open.

    `undemanding` are the stages that wait for a person, or of which the world asks nothing: that they are closed is no
    fault of the run.
    """
    ends = set(undemanding)
    for gate in gates:
        if gate.stage in ends or not gate.judged:
            break
        if gate.status not in _OPEN:
            return (_closed(gate),)
    return ()


def closed_results(world: World, gates: Sequence[GateResult]) -> tuple[RuleResult, ...]:
    """Return `gate_results` of a world's gates: those that wait for a person, or ask for nothing, stop nobody."""
    undemanding = [gate.stage for gate in world.gates if gate.governance is not None or not gate.blocking]
    return gate_results(gates, undemanding)


def _closed(gate: GateResult) -> RuleResult:
    code = f"{gate.stage}_{gate.status.value}"
    reason = f"{gate.stage} is closed: {'; '.join(gate.reasons)}"
    details = {**numbers(None, None, None), "gate": gate.stage}
    return RuleResult(RULE, Status.FAIL, Severity.BLOCKING, Owner.QUANT, code, reason, (code,), details)
