"""A closed gate closes the verdict too: nobody is a candidate behind it."""

from distill_platform.evaluation.gating import gate_results
from distill_platform.policy.gates import GateResult
from distill_platform.policy.summary import summarize
from distill_platform.policy.words import GateStatus, RecommendedStage


def gate(stage: str, status: GateStatus, *, judged: bool = True) -> GateResult:
    return GateResult(stage, status, ("because",), judged)


OPEN = [gate("stage0_integrity", GateStatus.PASS), gate("stage1_dev", GateStatus.WATCH)]
CLOSED = [*OPEN, gate("stage2_wf", GateStatus.FAIL), gate("stage3_stress", GateStatus.FAIL, judged=False)]


def test_a_closed_gate_is_a_blocking_failure_that_says_why() -> None:
    (result,) = gate_results(CLOSED, [])
    assert result.reason_code == "stage2_wf_fail"
    assert "because" in result.reason
    assert summarize([result]).recommended_stage is RecommendedStage.BACKTEST_ONLY


def test_too_little_to_see_is_no_way_through() -> None:
    (result,) = gate_results([gate("stage0_integrity", GateStatus.INSUFFICIENT_OBSERVATION)], [])
    assert result.reason_code == "stage0_integrity_insufficient_observation"


def test_open_gates_say_nothing() -> None:
    assert gate_results(OPEN, []) == ()


def test_a_gate_that_waits_for_a_person_is_no_fault_of_the_run() -> None:
    waits = gate("stage4_paper_forward", GateStatus.INSUFFICIENT_OBSERVATION)
    assert gate_results([*OPEN, waits], ["stage4_paper_forward"]) == ()
