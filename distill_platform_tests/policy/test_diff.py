"""A policy diff says, run by run, what a new policy would change: verdicts, reasons, margins and gates."""

import random

import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.policy.diff import policy_diff
from distill_platform.policy.words import Stage
from distill_platform_tests.policy.worlds import example, line, world

STRICTER = {**example()["validation_profiles"]["backtest"], "performance": {"min_sharpe": 1.5, "max_drawdown": 0.25}}


def stricter() -> dict[str, dict[str, object]]:
    return {**example()["validation_profiles"], "backtest": STRICTER}


def test_the_same_policy_changes_nothing() -> None:
    found = policy_diff(world(), world(), [line("a"), line("b", None)])
    assert (found.changes, found.impact, found.runs) == ((), 0.0, 2)


def test_runs_are_told_apart_by_strategy_and_run() -> None:
    lines = [line("a", 2.0, "r1"), line("a", 1.2, "r2"), line("a", 1.3, "r3"), line("b", 1.2, "r1")]
    found = policy_diff(world(), world(validation_profiles=stricter()), lines)
    assert [(change.strategy_id, change.run_id) for change in found.changes if change.verdict_changes] == [
        ("a", "r2"),
        ("a", "r3"),
        ("b", "r1"),
    ]
    assert (found.runs, found.changed_verdicts, found.impact) == (4, 3, 0.75)


def test_a_run_that_fails_is_not_selected_though_its_strategy_is() -> None:
    found = policy_diff(world(), world(validation_profiles=stricter()), [line("a", 2.0, "r1"), line("a", 1.2, "r2")])
    verdicts = [(change.run_id, change.new["status"], change.new["selected"]) for change in found.changes]
    assert verdicts == [("r1", "pass", True), ("r2", "fail", False)]


def test_a_change_shows_both_sides_with_reasons_and_margins() -> None:
    found = policy_diff(world(), world(validation_profiles=stricter()), [line("a", 1.2)])
    (change,) = found.changes
    assert (change.old["status"], change.new["status"]) == ("pass", "fail")
    assert (change.old["selected"], change.new["selected"]) == (True, False)
    (rule,) = change.rules
    assert rule.name == "performance"
    assert rule.old is not None
    assert rule.new is not None
    assert (rule.old["reason_code"], rule.new["reason_code"]) == ("ok", "sharpe_daily_below_min")
    assert rule.new["details"]["margin"] == pytest.approx(-0.3)


def test_a_margin_that_moves_is_a_change_but_no_other_verdict() -> None:
    looser = {**example()["validation_profiles"], "backtest": {**STRICTER, "performance": {"min_sharpe": 0.4}}}
    found = policy_diff(world(), world(validation_profiles=looser), [line("a", 1.2)])
    assert (len(found.changes), found.changed_verdicts, found.impact) == (1, 0, 0.0)


def test_a_changed_severity_changes_verdicts() -> None:
    soft = {**example()["validation_profiles"]["backtest"]}
    soft["performance"] = {**soft["performance"], "severity": "soft"}
    found = policy_diff(world(), world(validation_profiles={"backtest": soft, "paper": {}}), [line("a", 0.1)])
    assert (found.changes[0].old["status"], found.changes[0].new["status"]) == ("fail", "warn")


def test_a_gate_that_moves_is_shown() -> None:
    gates = {**example()["stage_gates"], "stage2_wf": {"blocking": ["robustness.dsr >= 0.99"]}}
    found = policy_diff(world(), world(stage_gates=gates), [line("a")])
    (change,) = found.changes
    assert not change.verdict_changes
    assert [gate.name for gate in change.gates] == [
        "stage2_wf",
        "stage3_stress",
        "stage4_paper_forward",
        "stage5_pilot",
    ]
    assert change.gates[0].new is not None
    assert change.gates[0].new["status"] == "fail"


def test_a_selection_that_moves_is_another_verdict() -> None:
    narrow = {"top_k": {"metric": "returns.sharpe_daily", "k": 1}}
    found = policy_diff(world(), world(selection=narrow), [line("a", 2.0), line("b", 1.0)])
    (change,) = found.changes
    assert (change.strategy_id, change.new["status"], found.impact) == ("b", "warn", 0.5)
    assert [(rule.name, rule.old) for rule in change.rules] == [("selection", None)]


def test_the_order_of_runs_does_not_matter() -> None:
    lines = [line(strategy, sharpe, run) for strategy in "abc" for run, sharpe in (("r1", 1.2), ("r2", 1.7))]
    expected = policy_diff(world(), world(validation_profiles=stricter()), lines).to_dict()
    for seed in range(5):
        shuffled = random.Random(seed).sample(lines, len(lines))
        assert policy_diff(world(), world(validation_profiles=stricter()), shuffled).to_dict() == expected


def test_both_policies_need_a_profile_for_the_stage() -> None:
    with pytest.raises(ConfigError, match="no profile for stage live"):
        policy_diff(world(), world(), [line("a")], Stage.LIVE)
