"""`distill receipts` tells a run again, without doing anything."""

import json
from pathlib import Path

import pytest

from distill_platform_tests.cli.terminal import distill, document


def test_the_latest_run_is_shown_as_it_was_at_its_end(project: Path) -> None:
    ran = distill(project, "run", "--run-id", "second")
    told = distill(project, "receipts")
    assert told.stdout == ran.stdout
    assert told.exit_code == 0


def test_a_run_can_be_named(project: Path) -> None:
    distill(project, "run", "--run-id", "second")
    assert document(distill(project, "receipts", "--json"))["run_id"] == "second"
    assert document(distill(project, "receipts", "--json", "--run-id", "first"))["run_id"] == "first"


def test_only_the_lake_is_needed(finished: Path, tmp_path: Path) -> None:
    result = distill(tmp_path, "receipts", "--lake", str(finished / "data/lake"))
    assert result.exit_code == 0
    assert "Run first" in result.stdout


def test_a_broken_declaration_does_not_hide_the_receipts(project: Path) -> None:
    (project / "config/sources/answers.yaml").write_text("nonsense")
    assert distill(project, "receipts").exit_code == 0


@pytest.mark.parametrize("arguments", [["--run-id", "other"], ["--lake", "empty"]])
def test_a_run_that_never_was_is_bad_usage(finished: Path, arguments: list[str]) -> None:
    result = distill(finished, "receipts", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")


def test_a_run_cut_off_before_its_drift_report_says_so(project: Path) -> None:
    (project / "data/lake/runs/first/drift.json").unlink()
    result = distill(project, "receipts")
    assert result.exit_code == 0
    assert "not reported" in result.stdout


@pytest.mark.parametrize("name", ["drift.json", "receipts/evidence.jsonl"])
def test_a_damaged_file_is_named(project: Path, name: str) -> None:
    (project / "data/lake/runs/first" / name).write_text("{")
    result = distill(project, "receipts")
    assert result.exit_code == 1
    assert name in result.stderr


def test_failed_checks_are_listed_and_the_exit_code_is_one(project: Path) -> None:
    path = project / "data/lake/runs/first/receipts/sft_corpus.jsonl"
    receipts = [json.loads(line) for line in path.read_text().splitlines()]
    receipts[0] |= {"passed": False, "errors": [f"conservation: {n} rows lost" for n in range(12)]}
    path.write_text("".join(json.dumps(receipt) + "\n" for receipt in receipts))
    result = distill(project, "receipts")
    assert result.exit_code == 1
    assert "sft_corpus[2026-04-20] conservation: 0 rows lost" in result.stdout
    assert "and 2 more, in the receipts" in result.stdout
    assert "distill trace" not in result.stdout
