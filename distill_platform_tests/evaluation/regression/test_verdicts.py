"""A regression set tells a policy that can be trusted from one that was loosened."""

import random
from typing import Any

import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.evaluation.regression.truths import Outcome, Truth
from distill_platform.evaluation.regression.verdicts import TruthSummary, TruthVerdict, judge_regression
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.words import Status
from distill_platform_tests.evaluation.worlds import world

GATES, PROFILE = "stage_gates", "validation_profiles.backtest"
NO_LUCK = {
    f"{PROFILE}.robustness": None,
    f"{GATES}.stage2_wf.blocking": ["wf.oos_sum_pnl > 0"],
    f"{GATES}.stage2_wf.watch": ["robustness.sharpe_gap > 2.5"],
}


def kept(gate: str, without: str) -> dict[str, Any]:
    """A gate of the shipped world without the expressions that name a metric."""
    declared = getattr(world().stage_gates, gate)
    return {
        f"{GATES}.{gate}.{kind}": [text for text in getattr(declared, kind) if without not in text]
        for kind in ("blocking", "watch")
    }


def untold(changes: dict[str, Any], lines: list[MetricsLine]) -> set[str]:
    return {summary.truth for summary in judge_regression(world(changes), lines).truths if not summary.holds}


def test_the_shipped_world_tells_all_truths(lines: list[MetricsLine]) -> None:
    found = judge_regression(world(), lines)
    assert found.problems == []
    assert found.holds


@pytest.mark.parametrize(
    ("truth", "stopped_by"),
    [
        (Truth.OVERFIT, "stage2_wf"), (Truth.LEAKED, "stage1_dev"),
        (Truth.COST_FREE, "stage0_integrity"), (Truth.INACTIVE, "stage1_dev"), (Truth.LEVERED, ""),
    ],
)  # fmt: skip
def test_each_is_stopped_where_it_shows_what_it_is(truth: Truth, stopped_by: str, lines: list[MetricsLine]) -> None:
    summary = next(one for one in judge_regression(world(), lines).truths if one.truth is truth)
    assert {run.gate for run in summary.runs} == {stopped_by}
    assert all(run.is_seen and run.outcome is Outcome.STOPPED for run in summary.runs)


@pytest.mark.parametrize(
    ("changes", "truths"),
    [
        (NO_LUCK, {Truth.OVERFIT}),
        (kept("stage0_integrity", "fee_nonzero"), {Truth.COST_FREE}),
        (kept("stage1_dev", "sharpe_daily"), {Truth.LEAKED}),
        ({**kept("stage1_dev", "sharpe_daily <="), f"{PROFILE}.risk_constraint": None}, {Truth.LEAKED}),
        (kept("stage2_wf", "sharpe_gap"), {Truth.UNSTABLE}),
        (kept("stage3_stress", "regime.fragile"), {Truth.REGIME_DEPENDENT}),
        ({f"{PROFILE}.performance.max_drawdown": 0.99, f"{PROFILE}.stress": None}, {Truth.LEVERED}),
        ({f"{PROFILE}.performance.min_sharpe": 4.5}, {Truth.GOOD}),
        ({f"{PROFILE}.robustness.min_dsr": 0.0, **kept("stage2_wf", "dsr"), f"{PROFILE}.robustness.max_pbo": 1.0},
         {Truth.OVERFIT}),
    ],
)  # fmt: skip
def test_a_policy_that_lost_a_guard_is_caught_by_what_the_guard_was_for(
    changes: dict[str, Any], truths: set[Truth], lines: list[MetricsLine]
) -> None:
    assert truths <= untold(changes, lines)


def test_a_policy_that_asks_for_nothing_lets_nobody_through(lines: list[MetricsLine]) -> None:
    assert Truth.GOOD in untold({GATES: {"stage0_integrity": {}}}, lines)


def test_a_gate_that_awaits_a_person_does_not_count_against_a_good_run(lines: list[MetricsLine]) -> None:
    blocking = ["stress.slippage_bps_2.net_sharpe >= 0.0"]
    asks = {f"{GATES}.stage3_stress": {"blocking": blocking, "governance": "manual_approval"}}
    assert Truth.GOOD not in untold(asks, lines)


def test_the_order_of_runs_changes_nothing(lines: list[MetricsLine]) -> None:
    shuffled = random.Random(3).sample(lines, len(lines))
    assert judge_regression(world(), shuffled).to_dict() == judge_regression(world(), lines).to_dict()


def test_a_truth_without_runs_is_not_told(lines: list[MetricsLine]) -> None:
    found = judge_regression(world(), [line for line in lines if line.strategy_id != Truth.NULL])
    assert [summary.truth for summary in found.truths if not summary.holds] == [Truth.NULL]


def test_a_world_that_judges_no_backtests_is_refused(lines: list[MetricsLine]) -> None:
    with pytest.raises(ConfigError, match="no profile for stage backtest"):
        judge_regression(world({"default_profile_by_stage": {"paper_only": "paper"}}), lines)


def verdict(truth: Truth, outcome: Outcome, is_seen: bool = True) -> TruthVerdict:
    reasons = ("max_pbo",) if outcome is Outcome.STOPPED else ()
    return TruthVerdict(truth, "r", outcome, Status.PASS, "", reasons, is_seen)


@pytest.mark.parametrize(
    ("truth", "good", "bad", "holds"),
    [
        (Truth.GOOD, Outcome.PASSED, Outcome.STOPPED, True),
        (Truth.UNSTABLE, Outcome.WATCHED, Outcome.PASSED, True),
        (Truth.NULL, Outcome.STOPPED, Outcome.PASSED, False),
        (Truth.LEAKED, Outcome.STOPPED, Outcome.WATCHED, False),
    ],
)
def test_one_of_five_may_go_wrong_but_for_what_must_be_stopped(
    truth: Truth, good: Outcome, bad: Outcome, holds: bool
) -> None:
    runs = (*(verdict(truth, good) for _ in range(4)), verdict(truth, bad))
    assert TruthSummary(truth, runs).holds is holds
    assert not TruthSummary(truth, (*runs[:3], *(verdict(truth, bad) for _ in range(2)))).holds


def test_what_is_wrong_is_said_in_a_sentence() -> None:
    through = TruthSummary(Truth.NULL, (verdict(Truth.NULL, Outcome.PASSED), verdict(Truth.NULL, Outcome.STOPPED)))
    assert through.problem == "null: 1 of 2 runs get through"
    stopped = TruthSummary(Truth.GOOD, (verdict(Truth.GOOD, Outcome.STOPPED),))
    assert stopped.problem == "good: 1 of 1 runs that should get through are stopped by max_pbo"
    blind = TruthSummary(Truth.SHORT, (verdict(Truth.SHORT, Outcome.STOPPED, is_seen=False),))
    assert blind.problem == "short: 1 of 1 runs are stopped by max_pbo alone: nothing in this policy sees what they are"
