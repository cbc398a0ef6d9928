"""From the inbox to the reports: once for all, in any order, and never overwritten."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distill_platform.core import canon
from distill_platform.core.canon import sha256_hex
from distill_platform.evaluation.stages import reporting
from distill_platform.store.lake.manifest import read_manifest
from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, NOW, THIRD_DAY, Lab, trial

FOUR = {"run_manifest.json", "evaluation_run.json", "evaluation_report.json", "evaluation_report.md"}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two runs of one search, judged; nobody changes it."""
    lab = Lab(tmp_path_factory.mktemp("judged"))
    lab.hand_in(1, sharpe=2.0)
    lab.hand_in(2, sharpe=0.1)
    assert lab.evaluate() == [DAY]
    return lab


def test_every_run_has_the_four_artifacts_and_a_page_and_they_are_what_was_recorded(judged: Lab) -> None:
    rows = judged.rows("evaluation_reports", "reports")
    assert {(row["run_id"], row["artifact"]) for row in rows} == {
        (run_id, name) for run_id in ("run-1", "run-2") for name in FOUR | {"evaluation_report.html"}
    }
    for row in rows:
        data = (judged.lake / row["path"]).read_bytes()
        assert (sha256_hex(data), len(data)) == (row["sha256"], row["bytes"])
    assert (judged.lake / "reports/index.html").is_file()


def test_the_ledger_the_artifact_and_the_tables_tell_the_same_verdict(judged: Lab) -> None:
    for run_id, status in (("run-1", "pass"), ("run-2", "fail")):
        recorded = judged.verdict(run_id)
        assert canon.parse(judged.reports()[f"{run_id}/evaluation_run.json"]) == recorded
        assert recorded["summary"]["status"] == status
    shown = {row["run_id"]: row["status"] for row in judged.rows("rule_results", "verdicts")}
    assert shown == {row["run_id"]: row["status"] for row in judged.rows("evaluation_reports", "index")}
    assert shown == {"run-1": "pass", "run-2": "fail"}


def test_the_artifacts_have_the_shape_that_machines_rely_on(judged: Lab) -> None:
    run = judged.verdict("run-1")
    assert {*run} >= {"run_id", "world_id", "strategy_id", "stage", "risk_tier", "validation", "summary", "evidence"}
    assert {*run["validation"]} == {"policy_version", "ruleset_hash", "profile", "results"}
    named = {"rule", "status", "severity", "owner", "reason_code", "reason", "tags", "details"}
    assert all({*result} == named for result in run["validation"]["results"])
    report = judged.report("run-1")
    assert {*report} >= {"meta", "integrity", "metrics", "stress", "portfolio_fit", "triage", "stage_gate"}
    assert {*report["meta"]} >= {
        "world_id", "strategy_id", "run_id", "stage", "commit_sha", "data_preset", "dataset_fingerprint", "as_of",
    }  # fmt: skip
    assert {*report["metrics"]} >= {"returns", "sample", "risk", "robustness", "diagnostics"}
    assert {*report["integrity"]} >= {"status", "invariants", "notes"}
    assert {*report["stage_gate"]} >= {"stage", "status", "reasons"}
    json.dumps(report, allow_nan=False)


def test_a_report_says_why_a_run_was_refused(judged: Lab) -> None:
    said = judged.report("run-2")["verdict"]
    assert "Sharpe" in said["headline"]
    assert "Sharpe" in judged.reports()["run-2/evaluation_report.md"].decode()


def test_evaluating_again_adds_nothing_anywhere(judged: Lab) -> None:
    files = {path: path.stat().st_mtime_ns for path in (judged.lake / "reports").glob("**/*") if path.is_file()}
    before = (judged.manifests(), judged.reports(), judged.ledger_heads())
    assert judged.evaluate() == []
    assert judged.evaluate(DAY) == [DAY]
    assert (judged.manifests(), judged.reports(), judged.ledger_heads()) == before
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_counts_are_conserved_at_every_stage(judged: Lab) -> None:
    for path, data in judged.manifests().items():
        counts = read_manifest(data, path).counts
        gone = sum(counts.skipped.values()) + sum(counts.quarantined.values())
        assert counts.rows_in == counts.rows_out + counts.deduplicated + gone, path


def test_a_report_that_was_lost_is_written_again(judged: Lab, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(judged.folder, tmp_path / "copy"))
    lab = Lab(copy)
    lost = lab.lake / "reports/runs/run-1/evaluation_report.md"
    data = lost.read_bytes()
    lost.unlink()
    assert lab.evaluate() == [DAY]
    assert lost.read_bytes() == data


def hand_in(lab: Lab, name: str, day: str) -> None:
    """One of the bundles of the order tests: a search of three, one of them live, one an ablation, one elsewhere."""
    more: dict[str, dict[str, Any]] = {
        "winner": {"seed": 1, "sharpe": 2.5, "supersedes": "loser"},
        "loser": {"seed": 2, "sharpe": 0.0},
        "cheap": {"seed": 3, "sharpe": 1.0, "cost_bps": 0.2, "search": trial(3, declared=9)},
        "live": {"seed": 4, "sharpe": 1.5, "stage": "live", "strategy_id": "other", "cohort_id": "trading"},
        "paper": {"seed": 5, "sharpe": 1.5, "stage": "paper", "days": 120, "cohort_id": "papers"},
    }
    lab.hand_in(**more[name], day=day, run_id=name)


ORDERS = {
    "all at once": [("winner", "loser", "cheap", "live", "paper")],
    "the winner first": [("winner",), ("loser", "live"), ("paper", "cheap")],
    "the winner last": [("cheap", "paper"), ("live", "loser"), ("winner",)],
}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return reports_of(Lab(tmp_path_factory.mktemp("at-once")), ORDERS["all at once"])


def reports_of(lab: Lab, batches: list[tuple[str, ...]]) -> dict[str, bytes]:
    """The reports after batches were handed in day by day, each judged at once, until nothing waits."""
    for day, batch in zip((DAY, NEXT_DAY, THIRD_DAY), batches, strict=False):
        for name in batch:
            hand_in(lab, name, day)
        lab.judge()
    lab.evaluate()
    assert lab.waiting() == []
    return lab.reports()


def test_the_order_tests_hold_what_could_depend_on_the_order(at_once: dict[str, bytes]) -> None:
    winner = canon.parse(at_once["winner/evaluation_report.json"])
    assert winner["gaming"]["supersede_to_pass"]["raised"]
    assert canon.parse(at_once["cheap/evaluation_report.json"])["gaming"]["cost_change"]["raised"]
    assert winner["trials"]["n"] == 9
    assert winner["portfolio_fit"]["correlation"]


@pytest.mark.parametrize("order", [name for name in ORDERS if name != "all at once"])
def test_the_order_of_arrival_decides_nothing(tmp_path: Path, at_once: dict[str, bytes], order: str) -> None:
    assert reports_of(Lab(tmp_path), ORDERS[order]) == at_once


def test_neither_the_number_of_workers_nor_clock_nor_folder_decides_anything(
    tmp_path: Path, at_once: dict[str, bytes]
) -> None:
    other = Lab(tmp_path / "some/other/place", workers=2, now=NOW + timedelta(days=90))
    assert reports_of(other, ORDERS["all at once"]) == at_once


@pytest.mark.slow
def test_reports_that_workers_draw_are_the_same_bytes(
    tmp_path: Path, at_once: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "MANY", 1)
    assert reports_of(Lab(tmp_path, workers=2), ORDERS["all at once"]) == at_once


@pytest.mark.slow
def test_days_that_are_judged_one_by_one_come_to_the_same(tmp_path: Path, at_once: dict[str, bytes]) -> None:
    lab = Lab(tmp_path)
    for day, batch in zip((DAY, NEXT_DAY, THIRD_DAY), ORDERS["the winner first"], strict=True):
        for name in batch:
            hand_in(lab, name, day)
    for _ in range(3):
        for day in lab.waiting():
            lab.evaluate(day)
    assert lab.waiting() == []
    assert lab.reports() == at_once


def test_an_unchanged_verdict_is_no_revision_and_a_changed_policy_makes_the_next(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    run_id = lab.hand_in(1)
    lab.judge()
    lab.judge(DAY)
    assert len(lab.revisions(run_id)) == 1
    lab.world(lambda world: world["validation_profiles"]["backtest"]["performance"].update(min_sharpe=3.0))
    assert lab.waiting() == [DAY]
    lab.judge()
    first, second = lab.revisions(run_id)
    assert (first["summary"]["status"], second["summary"]["status"]) == ("pass", "fail")
    assert first["validation"]["ruleset_hash"] != second["validation"]["ruleset_hash"]
    lab.judge(DAY)
    assert len(lab.revisions(run_id)) == 2


def test_a_run_id_that_was_evaluated_is_never_overwritten(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.hand_in(1, run_id="mine")
    lab.judge()
    before = lab.verdict("mine")
    shutil.rmtree(lab.inbox / "mine")
    lab.hand_in(2, NEXT_DAY, run_id="mine", sharpe=9.0)
    lab.evaluate()
    (refused,) = lab.overview(DAY, NOW.date().isoformat()).turned_away
    assert (refused["name"], refused["reason"]) == ("mine", "duplicate_id")
    assert lab.revisions("mine") == [before]
    assert lab.waiting() == []


def test_an_emptied_inbox_changes_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.hand_in(1)
    lab.judge()
    before = (lab.manifests(), lab.ledger_heads())
    shutil.rmtree(lab.inbox)
    lab.judge(DAY)
    assert (lab.manifests(), lab.ledger_heads()) == before
