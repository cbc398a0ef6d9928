"""Runs are judged through Dagster as through the terminal, day by day or many days at once, and show it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from distill_platform.store.lake import Check, Draft, Manifest
from distill_platform_tests.defs.runs import EVALUATION_STAGES, EvaluationProject, failure_of, states
from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, Lab

ROOT = Path(__file__).parents[2]
STEPS = ["run_bundles", "measuring", "selection_bias", "verdicts", "evaluation_reports"]
EVERY = dict.fromkeys(STEPS, "succeeded")


def break_law(monkeypatch: pytest.MonkeyPatch, dataset: str, law: str, day: str = DAY) -> None:
    """Let one day of a dataset be published with a broken law."""
    publish = Draft.publish

    def broken(draft: Draft, *, checks: Sequence[Check], **about: Any) -> Manifest:
        if (draft.dataset, draft.partition) == (dataset, day):
            checks = [replace(one, passed=False, observed=1.0) if one.name == law else one for one in checks]
        return publish(draft, checks=checks, **about)

    monkeypatch.setattr(Draft, "publish", broken)


@pytest.mark.parametrize("days", [[DAY], [DAY, NEXT_DAY]], ids=["a day", "a range"])
def test_all_assets_succeed_over_a_day_and_over_a_range(judging: EvaluationProject, days: list[str]) -> None:
    judging.lab.hand_in(1)
    judging.lab.hand_in(2, NEXT_DAY)
    assert states(judging.run(days)) == EVERY
    for name in EVALUATION_STAGES:
        assert judging.instance.get_materialized_partitions(dg.AssetKey(name)) == {*days}
    judged = {row["run_id"] for day in days for row in judging.lab.rows("evaluation_reports", "index", day)}
    assert judged == {"run-1", "run-2"} if len(days) == 2 else {"run-1"}


def test_dagster_and_the_terminal_come_to_the_same_bytes(judging: EvaluationProject, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other")
    for lab in (judging.lab, other):
        lab.hand_in(1)
        lab.hand_in(2, sharpe=0.0)
    judging.run([DAY])
    other.evaluate()
    assert judging.lab.reports() == other.reports()
    assert judging.lab.manifests() == other.manifests()
    assert judging.lab.waiting() == []


def test_a_second_run_publishes_nothing_new(judging: EvaluationProject) -> None:
    judging.lab.hand_in(1)
    judging.run([DAY])
    before = (judging.lab.manifests(), judging.lab.reports(), judging.lab.ledger_heads())
    assert states(judging.run([DAY])) == EVERY
    assert (judging.lab.manifests(), judging.lab.reports(), judging.lab.ledger_heads()) == before


def test_a_day_without_any_bundle_is_a_day_like_others(judging: EvaluationProject) -> None:
    assert states(judging.run([DAY])) == EVERY
    for name in EVALUATION_STAGES:
        assert judging.check_status(name, "conservation", DAY) == "SUCCEEDED"


def test_checks_are_recorded_for_every_day_and_over_the_run(judging: EvaluationProject) -> None:
    judging.lab.hand_in(1)
    judging.run([DAY, NEXT_DAY])
    found = [
        key for key in judging.defs.resolve_asset_graph().asset_check_keys if key.asset_key.path[0] in EVALUATION_STAGES
    ]
    assert len(found) > 4 * len(EVALUATION_STAGES)
    for key in found:
        for day in (DAY, NEXT_DAY, None):
            assert judging.check_status(key.asset_key.to_user_string(), key.name, day) == "SUCCEEDED", (key, day)


def test_refused_and_broken_bundles_and_gaming_are_warnings_that_stop_nothing(judging: EvaluationProject) -> None:
    judging.lab.hand_in(1, run_id="first")
    judging.lab.hand_in(1, run_id="second")
    assert states(judging.run([DAY])) == EVERY
    assert judging.check_status("rule_results", "no_gaming", DAY) == "FAILED"
    assert judging.check_status("evaluation_reports", "reports_whole", DAY) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("dataset", "law", "step"),
    [
        pytest.param("run_bundles", "sealed", "run_bundles", marks=pytest.mark.slow),
        ("evaluation_metrics", "integrity", "measuring"),
        pytest.param("overfitting_controls", "honest_n", "selection_bias", marks=pytest.mark.slow),
        ("rule_results", "fail_closed", "verdicts"),
    ],
)
def test_a_broken_law_stops_what_comes_after(
    judging: EvaluationProject, monkeypatch: pytest.MonkeyPatch, dataset: str, law: str, step: str
) -> None:
    judging.lab.hand_in(1)
    with monkeypatch.context() as patched:
        break_law(patched, dataset, law)
        found = states(judging.run([DAY]))
    place = STEPS.index(step)
    assert {name: found.get(name, "skipped") for name in STEPS} == {
        **dict.fromkeys(STEPS[:place], "succeeded"), step: "failed", **dict.fromkeys(STEPS[place + 1 :], "skipped"),
    }  # fmt: skip
    assert judging.check_status(dataset, law, DAY) == "FAILED"
    assert not (judging.lab.lake / "reports").exists()
    assert states(judging.run([DAY])) == EVERY


def test_in_a_range_one_bad_day_is_told_from_the_good_ones(
    judging: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging.lab.hand_in(1)
    judging.lab.hand_in(2, NEXT_DAY)
    break_law(monkeypatch, "evaluation_runs", "integrity", NEXT_DAY)
    judging.run([DAY, NEXT_DAY])
    assert judging.check_status("evaluation_runs", "integrity", DAY) == "SUCCEEDED"
    assert judging.check_status("evaluation_runs", "integrity", NEXT_DAY) == "FAILED"


def test_a_damaged_bundle_in_the_store_fails_its_day_and_says_what_to_do(judging: EvaluationProject) -> None:
    judging.lab.hand_in(1)
    judging.run([DAY])
    (sealed,) = (judging.lab.lake / "bundles").glob("[0-9a-f]*/steps.parquet")
    sealed.chmod(0o644)
    sealed.write_bytes(b"rotten")
    text, metadata = failure_of(judging.run([DAY], select=["evaluation_runs", "evaluation_metrics"]), "measuring")
    assert "was changed" in text
    assert "Hand the run in again" in metadata["what to do"]


def test_a_materialization_shows_numbers_per_world_that_plot(judging: EvaluationProject) -> None:
    judging.lab.hand_in(1, sharpe=2.0)
    judging.lab.hand_in(2, sharpe=0.0)
    judging.lab.hand_in(3, run_id="trading", stage="live", strategy_id="other", cohort_id="other")
    result = judging.run([DAY])
    found = result.asset_materializations_for_node("verdicts")
    (shown,) = [one.metadata for one in found if one.asset_key == dg.AssetKey("rule_results")]
    assert (shown["toy/runs"].value, shown["toy/passed"].value, shown["toy/failed"].value) == (2, 1, 1)
    assert shown["toy/median_sharpe"].value == pytest.approx(1.0)
    assert "no_profile_for_stage" in str(shown["unjudged"].value)


def test_some_assets_may_be_made_alone(judging: EvaluationProject) -> None:
    judging.lab.hand_in(1)
    result = judging.run([DAY], select=["run_bundles", "evaluation_runs", "walk_forward"])
    assert states(result) == {"run_bundles": "succeeded", "measuring": "succeeded"}
    assert not judging.instance.get_materialized_partitions(dg.AssetKey("triage"))


@pytest.mark.slow
def test_sixty_days_from_nothing_are_one_run_and_the_next_finds_nothing_new(judging: EvaluationProject) -> None:
    days = [(date.fromisoformat(DAY) - timedelta(days=59 - n)).isoformat() for n in range(60)]
    for number, day in enumerate(days, 1):
        judging.lab.hand_in(number, day, days=300, cohort_id=f"cohort-{number % 6}", strategy_id=f"s-{number % 6}")
    assert states(judging.run(days)) == EVERY
    before = (judging.lab.manifests(), judging.lab.reports(), judging.lab.ledger_heads())
    assert len(before[1]) == 60 * 5 + 1
    assert judging.lab.waiting() == []
    assert states(judging.run(days)) == EVERY
    assert (judging.lab.manifests(), judging.lab.reports(), judging.lab.ledger_heads()) == before


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [f"--partition={DAY}", f"--partition-range={DAY}...{NEXT_DAY}"])
def test_the_command_line_materializes_a_day_and_a_range(judging: EvaluationProject, chosen: str) -> None:
    judging.lab.hand_in(1)
    judging.lab.hand_in(2, NEXT_DAY)
    (judging.folder / "home").mkdir()
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "asset", "materialize", chosen]
    command += ["--select", "group:arrivals,group:measuring,group:selection_bias,group:verdicts,group:reports"]
    command += ["-m", "distill_platform.definitions"]
    environment = os.environ | {"DAGSTER_HOME": str(judging.folder / "home"), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=judging.folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert "run-1/evaluation_report.md" in judging.lab.reports()
    assert ("run-2/evaluation_report.md" in judging.lab.reports()) == ("range" in chosen)
