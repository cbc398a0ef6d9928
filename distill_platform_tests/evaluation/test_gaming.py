"""Gaming: each of the five ways to pass without being good is seen and named, from what the ledger keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from distill_platform.core.errors import TrialError
from distill_platform.evaluation.gaming import GamingFlag, GamingFlags, GamingSign, gaming_flags, gaming_results
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.summary import summarize
from distill_platform.policy.world import World
from distill_platform_tests.evaluation.made_trials import digest, trial
from distill_platform_tests.evaluation.worlds import world

WORLD = world()
STRICT = world({"validation_profiles.backtest.performance.min_sharpe": 1.5})
LOOSE = world({"validation_profiles.backtest.performance.min_sharpe": 0.4, "version": 2})
ACTIVE = {"triage.no_activity": False, "triage.zero_trades": False}


def verdict(run_id: str, status: str = "fail", policy: World = WORLD, **changes: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "world_id": "us_equity_daily",
        "strategy_id": "trend",
        "stage": "backtest",
        "risk_tier": "medium",
        "validation": {"policy_version": 1, "ruleset_hash": policy.ruleset_hash, "profile": "backtest", "results": []},
        "summary": {"status": status, "recommended_stage": "backtest_only"},
    } | changes


def policy_body(policy: World) -> dict[str, Any]:
    return {"version": policy.version, "ruleset_hash": policy.ruleset_hash, "policy": policy.canonical()}


def flags(
    run: TrialRecord,
    records: Sequence[TrialRecord] = (),
    evaluations: Sequence[Mapping[str, Any]] = (),
    policies: Sequence[World] = (WORLD,),
    metrics: Mapping[str, object] = ACTIVE,
) -> GamingFlags:
    bodies = [policy_body(policy) for policy in policies]
    return gaming_flags(run, [*records, run], evaluations, bodies, policies[-1].ruleset_hash, metrics)


def raised(found: GamingFlags) -> list[str]:
    return [flag.sign.value for flag in found.raised]


def test_an_honest_run_raises_nothing() -> None:
    found = flags(trial("honest"), [trial("other", strategy_id="carry")], [verdict("other")])
    assert raised(found) == []
    assert found.metrics() == {f"gaming.{sign}": False for sign in GamingSign}
    assert gaming_results(found, counts_for_release=True) == ()


def test_every_flag_is_in_the_catalogue() -> None:
    assert flags(trial("honest")).metrics().keys() == {name for name in CATALOGUE if name.startswith("gaming.")}


def test_failing_runs_superseded_until_the_mean_passes() -> None:
    attempts = [trial("try-0"), *(trial(f"try-{n}", supersedes=f"try-{n - 1}") for n in range(1, 4))]
    last = trial("try-4", supersedes="try-3")
    found = flags(last, attempts, [verdict("try-0"), verdict("try-1"), verdict("try-2"), verdict("try-3", "pass")])
    assert raised(found) == ["supersede_to_pass"]
    assert found.raised[0].run_ids == ("try-2", "try-1", "try-0")
    assert "3 runs that failed: try-2, try-1, try-0" in found.raised[0].evidence


def test_a_superseded_failure_is_seen_whichever_cohort_the_new_run_names() -> None:
    found = flags(
        trial("again", supersedes="lost", cohort_id="fresh", campaign_id="fresh"), [trial("lost")], [verdict("lost")]
    )
    assert raised(found) == ["supersede_to_pass"]


def test_superseding_a_broken_run_that_nobody_judged_is_seen() -> None:
    assert raised(flags(trial("b", supersedes="a"), [trial("a", sound=False)])) == ["supersede_to_pass"]


def test_superseding_a_run_that_passed_is_no_gaming() -> None:
    found = flags(trial("b", supersedes="a"), [trial("a")], [verdict("a", "pass"), verdict("a", "warn")])
    assert raised(found) == []


def test_a_circle_of_superseding_ends() -> None:
    found = flags(trial("a", supersedes="b"), [trial("b", supersedes="a")], [verdict("b")])
    assert found.raised[0].run_ids == ("b",)


def test_a_failure_handed_in_again_without_a_word_is_shown() -> None:
    records = [trial("first"), trial("seed-2"), trial("next", trial_index=1), trial("without", ablation=digest("x"))]
    found = flags(trial("second"), records, [verdict(record.run_id) for record in records])
    assert found.repeats == ("first", "seed-2")
    assert raised(found) == []


def test_costs_cut_tenfold() -> None:
    world_of_costs = world({"costs": None})
    dear = trial("dear", fee_bps=5.0, slippage_bps=3.0, declared_fee_bps=5.0, declared_slippage_bps=3.0)
    cheap = trial("cheap", fee_bps=0.5, slippage_bps=0.2, declared_fee_bps=0.5, declared_slippage_bps=0.2)
    found = flags(cheap, [dear], [verdict("dear", policy=world_of_costs)], [world_of_costs])
    assert raised(found) == ["cost_change"]
    assert found.raised[0].evidence == "Declared fee is 0.5 bps and was 5 bps in dear, which failed."
    assert found.raised[0].run_ids == ("dear",)


def test_costs_cut_for_a_sibling_of_the_cohort_are_seen() -> None:
    dear = trial("dear", strategy_id="carry", slippage_bps=3.0, declared_slippage_bps=None)
    found = flags(trial("cheap", declared_slippage_bps=None), [dear], [verdict("dear")])
    assert found.raised[0].evidence == "Paid slippage is 1 bps and was 3 bps in dear, which failed."


def test_paying_less_than_declared_is_seen() -> None:
    found = flags(
        trial("cheap", fee_bps=0.5, declared_fee_bps=5.0),
        [trial("dear", fee_bps=5.0, declared_fee_bps=5.0)],
        [verdict("dear")],
    )
    assert raised(found) == ["cost_change"]


@pytest.mark.parametrize("change", [{"declared_fee_bps": 0.9}, {"slippage_bps": 0.5}, {"fee_bps": 0.0}])
def test_costs_below_those_of_the_world_need_no_failure(change: dict[str, float]) -> None:
    found = flags(trial("cheap", **change))
    assert raised(found) == ["cost_change"]
    assert "the world's is 1 bps" in found.raised[0].evidence


def test_a_run_may_cost_more_or_follow_a_success() -> None:
    assert raised(flags(trial("dear", fee_bps=2.0, declared_fee_bps=2.0), [trial("a")], [verdict("a")])) == []
    dear = trial("dear", fee_bps=2.0, declared_fee_bps=2.0)
    assert raised(flags(trial("cheap"), [dear], [verdict("dear", "pass")])) == []
    assert raised(flags(trial("near", fee_bps=1.0), [trial("a", fee_bps=1.02)], [verdict("a")])) == []


def test_threshold_lowered_after_the_failure() -> None:
    found = flags(trial("again"), [trial("lost")], [verdict("lost", policy=STRICT)], [STRICT, LOOSE])
    assert raised(found) == ["threshold_change_after_failure"]
    assert "profile of backtest_only.performance.min_sharpe: 1.5 became 0.4" in found.raised[0].evidence
    assert found.raised[0].run_ids == ("lost",)


def test_the_same_run_judged_again_under_a_lower_threshold_is_seen() -> None:
    run = trial("lost")
    found = flags(run, [], [verdict("lost", policy=STRICT)], [STRICT, LOOSE])
    assert raised(found) == ["threshold_change_after_failure"]


def test_an_old_policy_brought_back_is_judged_by_what_it_asks() -> None:
    found = flags(trial("again"), [], [verdict("lost", policy=STRICT)], [LOOSE, STRICT, WORLD, LOOSE])
    assert raised(found) == ["threshold_change_after_failure"]


def test_a_threshold_raised_or_lowered_after_a_success_is_no_gaming() -> None:
    assert raised(flags(trial("again"), [], [verdict("lost", policy=LOOSE)], [LOOSE, STRICT])) == []
    assert raised(flags(trial("again"), [], [verdict("won", "pass", STRICT)], [STRICT, LOOSE])) == []
    assert raised(flags(trial("again"), [], [verdict("abroad", policy=STRICT, world_id="fx")], [STRICT, LOOSE])) == []


def test_a_policy_that_the_ledger_lost_is_not_taken_for_harmless() -> None:
    found = flags(trial("again"), [], [verdict("lost", policy=STRICT)], [LOOSE])
    assert raised(found) == ["threshold_change_after_failure"]
    assert "is not in the ledger" in found.raised[0].evidence


def test_nothing_is_judged_under_a_policy_that_is_not_recorded() -> None:
    with pytest.raises(TrialError, match="is not in the ledger"):
        gaming_flags(trial("a"), [], [], [], WORLD.ruleset_hash, ACTIVE)


def test_a_verdict_that_is_none_is_refused() -> None:
    with pytest.raises(TrialError, match="lacks 'summary'"):
        flags(trial("a"), [], [{"run_id": "b", "world_id": "w", "strategy_id": "s"}])


def test_one_deterministic_run_counted_twenty_times() -> None:
    copies = [trial(f"copy-{n:02}", content="the one run") for n in range(20)]
    found = [flags(copy, [other for other in copies if other is not copy]) for copy in copies]
    assert [raised(each) for each in found] == [[], *[["duplicate_evidence"]] * 19]
    assert len(found[-1].raised[0].run_ids) == 19
    assert found[-1].raised[0].evidence.endswith("copy-04 and 14 more.")


def test_a_copy_in_another_cohort_is_seen() -> None:
    found = flags(trial("b", content="x", cohort_id="fresh"), [trial("a", content="x")])
    assert raised(found) == ["duplicate_evidence"]


def test_an_ablation_that_changes_nothing_is_no_copy() -> None:
    base, without = trial("base", content="x"), trial("without", content="x", ablation=digest("limits"))
    assert raised(flags(without, [base])) == []
    assert raised(flags(base, [without])) == []


@pytest.mark.parametrize(
    ("change", "metrics"),
    [
        ({}, {"triage.no_activity": True}),
        ({}, {"triage.zero_trades": True, "triage.no_activity": False}),
        ({"sharpe": None}, ACTIVE),
        ({"fee_bps": None, "slippage_bps": None}, ACTIVE),
    ],
)
def test_no_activity_passing_as_no_risk(change: dict[str, Any], metrics: dict[str, object]) -> None:
    assert raised(flags(trial("idle", **change), metrics=metrics)) == ["pass_by_inactivity"]


def test_unreadable_returns_are_broken_not_idle() -> None:
    assert raised(flags(trial("wild", sharpe=None, n_days=0, sound=False), metrics={"triage.no_activity": None})) == []


def test_a_raised_flag_blocks_a_release_and_warns_otherwise() -> None:
    found = flags(
        trial("idle", supersedes="lost"), [trial("lost")], [verdict("lost")], metrics={"triage.no_activity": True}
    )
    for counts, status in ((True, "fail"), (False, "warn")):
        results = gaming_results(found, counts)
        assert [result.rule for result in results] == ["gaming", "gaming"]
        assert [result.reason_code for result in results] == ["supersede_to_pass", "pass_by_inactivity"]
        assert summarize(results).status == status
        assert all(result.to_dict()["details"]["observed"] is True for result in results)


def test_all_five_are_seen_at_once() -> None:
    lost = trial("a-lost", content="x", fee_bps=5.0)
    run = trial("again", content="x", supersedes="a-lost", fee_bps=1.0)
    found = flags(run, [lost], [verdict("a-lost", policy=STRICT)], [STRICT, LOOSE], {"triage.no_activity": True})
    assert raised(found) == [sign.value for sign in GamingSign]
    assert all(isinstance(flag, GamingFlag) and flag.evidence for flag in found.flags)
