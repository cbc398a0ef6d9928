"""`distill trace` shows a tick or a cross for each proof, and its exit code says whether all hold."""

from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.tiny_project import MALFORMED, TOKEN


def ids(project: Path, dataset: str, table: str, column: str) -> list[str]:
    found: list[str] = []
    for path in sorted((project / "data/lake" / dataset).glob(f"*/*/{table}/*.parquet")):
        found += pq.read_table(path)[column].to_pylist()
    return found


def test_an_exported_row_is_shown_with_a_tick_for_each_proof(finished: Path) -> None:
    (row,) = ids(finished, "preference_corpus", "samples", "id")
    result = distill(finished, "trace", row[:10])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"preference_corpus row {row}\n")
    for said in ("The chosen answer", "The rejected answer", "Judgement", "Verdict", "Evidence", "Source line"):
        assert said in result.stdout
    assert "  ✓ raw_sha256 is the hash of the line's bytes" in result.stdout
    assert "✗" not in result.stdout
    assert "answers.jsonl:1" in result.stdout
    assert result.stdout.strip().endswith("proofs hold")


@pytest.mark.parametrize("column", ["evidence_id", "run_id"])
def test_evidence_ids_are_ids_and_run_ids_are_not(finished: Path, column: str) -> None:
    result = distill(finished, "trace", ids(finished, "evidence", "records", column)[0])
    assert result.exit_code == (0 if column == "evidence_id" else 2)


def test_a_dropped_line_shows_its_reason(finished: Path) -> None:
    result = distill(finished, "trace", sha256(MALFORMED).hexdigest()[:8])
    assert result.exit_code == 0
    assert result.stdout.startswith("dropped source line")
    assert "malformed_json" in result.stdout


def test_an_edited_source_line_gets_crosses_and_exit_code_one(project: Path) -> None:
    row = ids(project, "sft_corpus", "samples", "id")[0]
    path = project / "data/sources/answers.jsonl"
    path.write_bytes(path.read_bytes().replace(b"early and often", b"late and seldom").replace(b"Ring", b"Bang"))
    result = distill(project, "trace", row)
    assert result.exit_code == 1
    assert "✗ raw_sha256 is the hash of the line's bytes: the line hashes to" in result.stdout
    assert "proofs do not hold" in result.stdout


def test_json_holds_every_proof(finished: Path) -> None:
    (row,) = ids(finished, "preference_corpus", "samples", "id")
    found = document(distill(finished, "trace", row, "--json"))
    assert (found["id"], found["holds"]) == (row, True)
    assert [chain["side"] for chain in found["chains"]] == ["chosen", "rejected"]
    assert all(proof["holds"] for chain in found["chains"] for link in chain["links"] for proof in link["proofs"])


def test_no_secret_is_printed(finished: Path) -> None:
    for found in ids(finished, "evidence", "records", "evidence_id"):
        for form in ([], ["--json"]):
            assert TOKEN not in distill(finished, "trace", found, *form).output


@pytest.mark.parametrize("asked", ["0" * 64, "deadbeef", "short", "", "../" * 20])
def test_an_unknown_id_is_bad_usage(finished: Path, asked: str) -> None:
    result = distill(finished, "trace", asked)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "id" in flat(result.stderr)


def test_before_any_run_there_is_nothing_to_trace(fresh: Path) -> None:
    assert distill(fresh, "trace", "deadbeef").exit_code == 2
