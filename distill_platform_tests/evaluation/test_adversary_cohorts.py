"""Cohorts against somebody who knows that every attempt of one counts: attempts are spread over many."""

from pathlib import Path

import pytest

from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, Lab, trial

ALONE = {"declared_trials": 1, "trial_index": 0, "parameters": {}}


def spread(lab: Lab, seed: int, day: str = DAY, **told: object) -> str:
    """Hand in a run as the only one of its cohort and campaign, if one believes it."""
    named = {"cohort_id": f"cohort-{seed}", "campaign_id": f"campaign-{seed}", "search": ALONE}
    return lab.hand_in(seed, day, **{**named, **told})


def number(lab: Lab, run_id: str, name: str) -> float:
    group, leaf = name.split(".", 1)
    found = lab.report(run_id)["metrics"][group][leaf]
    assert isinstance(found, float | int)
    return float(found)


def test_an_attempt_in_a_cohort_of_its_own_counts_for_the_strategy_all_the_same(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    runs = [spread(lab, seed, sharpe=0.0, strategy_id="spread") for seed in range(1, 7)]
    other = spread(lab, 7, strategy_id="another")
    lab.evaluate()
    assert [number(lab, run_id, "robustness.n_trials") for run_id in runs] == [6.0] * 6
    assert number(lab, other, "robustness.n_trials") == 1.0


def test_a_later_attempt_in_another_cohort_makes_the_earlier_one_wait_and_worth_less(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    first = spread(lab, 1, strategy_id="spread", sharpe=1.0)
    lab.evaluate()
    before = number(lab, first, "robustness.deflated_sharpe_ratio")
    for seed in range(2, 8):
        spread(lab, seed, NEXT_DAY, strategy_id="spread", sharpe=0.0)
    assert lab.evaluate() == [DAY, NEXT_DAY]
    assert number(lab, first, "robustness.deflated_sharpe_ratio") < before
    assert lab.evaluate() == []


@pytest.mark.parametrize("other", [{"stage": "paper"}, {"strategy_id": "another"}])
def test_what_is_another_strategy_or_stage_is_no_attempt_at_this_one(tmp_path: Path, other: dict[str, str]) -> None:
    lab = Lab(tmp_path)
    run_id = spread(lab, 1, strategy_id="mine")
    spread(lab, 2, **{"strategy_id": "mine", **other})
    lab.evaluate()
    assert number(lab, run_id, "robustness.n_trials") == 1.0


def test_one_run_in_twenty_cohorts_and_by_twenty_names_is_evidence_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    names = [f"copy-{place}" for place in range(4)]
    for place, name in enumerate(names):
        day = DAY if place % 2 else NEXT_DAY
        spread(lab, 3, day, run_id=name, strategy_id=f"s-{place}", cohort_id=f"c-{place}", repro_hash=f"{place}" * 64)
    lab.evaluate()
    flagged = [name for name in names if "duplicate_evidence" in lab.flags(name)]
    assert flagged == names[1:]


def test_a_failed_run_of_another_cohort_is_superseded_in_public(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    failed = spread(lab, 1, sharpe=-2.0, strategy_id="mine")
    passed = spread(lab, 2, strategy_id="mine", supersedes=failed)
    lab.evaluate()
    assert "supersede_to_pass" in lab.flags(passed)


def test_two_runs_that_claim_the_same_are_both_broken_whichever_cohorts_they_are_in(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    claim = {"strategy_id": "mine", "repro_hash": "e" * 64, "search": trial(1), "seeds": {"numpy": 1}}
    first = spread(lab, 1, **claim)
    second = spread(lab, 2, NEXT_DAY, **claim)
    lab.evaluate()
    for run_id in (first, second):
        assert lab.report(run_id)["integrity"]["invariants"]["repro_hash_match"] is False
        assert lab.verdict(run_id)["summary"]["status"] == "fail"
