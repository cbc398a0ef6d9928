"""Stage gates open one by one; what is false fails, what is unknown is too little to see, alarms are watched."""

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.policy.gates import GateResult, judge_gates
from distill_platform_tests.policy.worlds import example, metrics, world

STAGES = [
    "stage0_integrity", "stage1_dev", "stage2_wf", "stage3_stress", "stage4_paper_forward", "stage5_pilot",
]  # fmt: skip
UNUSABLE = [math.nan, math.inf, None, "0.9", True]


def judged(changes: dict[str, Any] | None = None, without: str = "", **gates: Any) -> tuple[GateResult, ...]:
    return judge_gates(world(stage_gates={**example()["stage_gates"], **gates}), metrics(changes, without))


def statuses(results: tuple[GateResult, ...]) -> list[str]:
    return [result.status if result.judged else "not judged" for result in results]


def test_a_sound_run_opens_every_gate_that_a_machine_may_open() -> None:
    results = judged()
    assert [result.stage for result in results] == STAGES
    assert statuses(results) == ["pass", "pass", "pass", "pass", "insufficient_observation", "not judged"]
    assert results[0].reasons == ("all 2 expressions hold",)
    assert results[3].reasons == ("the expression holds",)
    assert results[4].reasons == ("awaits manual approval by a named person",)


def test_what_does_not_hold_fails_and_says_what_it_saw() -> None:
    results = judged({"robustness.deflated_sharpe_ratio": 0.31})
    assert statuses(results) == ["pass", "pass", "fail", "not judged", "not judged", "not judged"]
    assert results[2].reasons == ("robustness.dsr >= 0.95 does not hold: robustness.deflated_sharpe_ratio is 0.31",)
    assert results[3].reasons == ("not judged: stage2_wf has not opened",)


@pytest.mark.parametrize("value", UNUSABLE)
def test_what_cannot_be_decided_is_insufficient_observation(value: object) -> None:
    results = judged({"wf.oos_sum_pnl": value})
    assert statuses(results)[2:4] == ["insufficient_observation", "not judged"]
    (reason,) = results[2].reasons
    assert reason.startswith("wf.oos_sum_pnl > 0 cannot be decided: wf.oos_sum_pnl is ")


def test_a_missing_metric_is_named() -> None:
    assert judged(without="wf.oos_sum_pnl")[2].reasons == (
        "wf.oos_sum_pnl > 0 cannot be decided: wf.oos_sum_pnl is missing",
    )


def test_a_failure_goes_before_what_cannot_be_decided() -> None:
    result = judged({"wf.oos_sum_pnl": math.nan, "robustness.deflated_sharpe_ratio": 0.1})[2]
    assert (result.status, len(result.reasons)) == ("fail", 1)


def test_an_alarm_is_watched_and_the_next_gate_is_judged() -> None:
    results = judged({"robustness.pbo": 0.3})
    assert statuses(results)[2:4] == ["watch", "pass"]
    assert results[2].reasons == ("robustness.pbo > 0.2 is an alarm: robustness.pbo is 0.3",)


@pytest.mark.parametrize("value", UNUSABLE)
def test_an_alarm_that_cannot_be_decided_is_watched_too(value: object) -> None:
    assert statuses(judged({"robustness.pbo": value}))[2:4] == ["watch", "pass"]
    assert judged(without="robustness.pbo")[2].status == "watch"


def test_a_stress_metric_stands_in_for_no_other() -> None:
    results = judged(without="stress.slippage_bps_2.net_sharpe")
    assert statuses(results)[3] == "insufficient_observation"
    results = judged({"stress.slippage_bps_2.net_sharpe": 2.0}, without="returns.sharpe_daily")
    assert statuses(results)[1] == "insufficient_observation"


def test_a_gate_that_asks_for_nothing_does_not_open() -> None:
    for empty in ({}, {"blocking": [], "watch": []}):
        assert statuses(judged(stage1_dev=empty))[1:3] == ["insufficient_observation", "not judged"]
    assert statuses(judge_gates(world(stage_gates=None), metrics()))[0] == "insufficient_observation"


@pytest.mark.parametrize(("fragile", "status"), [(False, "pass"), (True, "watch"), (None, "watch"), (1, "watch")])
def test_a_gate_of_alarms_alone_is_judged_by_them(fragile: object, status: str) -> None:
    gate = judged({"regime.fragile": fragile}, stage1_dev={"watch": ["regime.fragile == true"]})[1]
    assert gate.status == status
    assert ("no alarm" in gate.reasons) == (status == "pass")


def test_an_approval_comes_after_the_expressions() -> None:
    gate = {"blocking": ["live.days >= 60"], "governance": "manual_approval"}
    assert judged({"live.days": 59}, stage4_paper_forward=gate)[4].status == "fail"
    assert judged(without="live.days", stage4_paper_forward=gate)[4].reasons[0].endswith("live.days is missing")
    waiting = judged({"live.days": 60}, stage4_paper_forward=gate)[4]
    assert (waiting.status, waiting.reasons) == (
        "insufficient_observation",
        ("awaits manual approval by a named person",),
    )


def test_a_result_is_json() -> None:
    assert judged()[5].to_dict() == {
        "stage": "stage5_pilot",
        "status": "insufficient_observation",
        "reasons": ["not judged: stage4_paper_forward has not opened"],
        "judged": False,
    }


anything = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=3), st.lists(st.none()))


@given(st.dictionaries(st.sampled_from(sorted(metrics())), anything))
def test_no_gate_is_judged_behind_one_that_is_closed_and_none_hands_out_an_approval(garbage: dict[str, object]) -> None:
    results = judged(garbage)
    opened = [result.judged and result.status in ("pass", "watch") for result in results]
    for number, result in enumerate(results):
        assert result.judged == all(opened[:number])
        assert result.reasons
    assert not any(opened[4:])
