"""`distill run` shows what came of every row, in one table, and says no with an exit code."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from distill_platform.core.errors import GateRefused, LakeError
from distill_platform.refinery import pipeline
from distill_platform.store.stages import Stage
from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.tiny_project import tiny_project

ROOT = Path(__file__).parents[2]
STAGES = [stage.name for stage in pipeline.STAGES]


def test_the_closing_table_names_every_stage_and_every_reason(fresh: Path) -> None:
    result = distill(fresh, "run")
    assert result.exit_code == 0, result.output
    table = [line.split() for line in result.stdout.splitlines()]
    assert [row[0] for row in table if row and row[0] in STAGES and row[1].replace(",", "").isdigit()] == STAGES
    assert ["evidence", "9", "7", "1", "0", "1"] in [row[:6] for row in table]
    assert ["malformed_json", "1"] in table
    assert ["secret_found", "1"] in table


def test_the_table_fits_eighty_columns_and_has_no_colour_codes(fresh: Path) -> None:
    result = distill(fresh, "run")
    table = result.stdout.split("every check held")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "\x1b" not in result.output


def test_the_end_says_where_things_lie_and_what_to_do_next(fresh: Path) -> None:
    stdout = distill(fresh, "run", "--run-id", "mine").stdout
    for place in ("data/lake/sft_corpus", "data/lake/releases/2026-04-20_2026-04-21-", "data/lake/runs/mine"):
        assert f" {place}" in stdout
        assert next((fresh / "data/lake").parent.parent.glob(f"{place}*")).exists()
    assert "drift             ok  no earlier run to compare with" in stdout
    suggested = re.search(r"distill trace ([0-9a-f]{12})$", stdout, re.MULTILINE)
    assert suggested is not None
    assert distill(fresh, "trace", suggested[1]).exit_code == 0


def test_the_suggested_trace_works_with_places_of_its_own(fresh: Path, tmp_path: Path) -> None:
    stdout = distill(fresh, "run", "--lake", str(tmp_path / "lake"), "--data", "data/sources").stdout
    suggested = re.search(r"distill (trace .*)$", stdout, re.MULTILINE)
    assert suggested is not None
    assert distill(fresh, *suggested[1].split()).exit_code == 0


def test_a_second_run_says_that_nothing_changed(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (project / "data/lake").rglob("*.parquet")}
    result = distill(project, "run")
    assert "same output to the last row" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in (project / "data/lake").rglob("*.parquet")} == before


def test_json_is_one_document_and_progress_stays_on_stderr(fresh: Path) -> None:
    result = distill(fresh, "run", "--json", "--run-id", "mine")
    found = document(result)
    assert (found["run_id"], found["overall_passed"]) == ("mine", True)
    assert [stage["stage"] for stage in found["stages"]] == STAGES
    assert found["drift"]["severity"] == "ok"
    assert "evidence: ingest: 2 of 2" in result.stderr
    assert "{" not in result.stderr


def test_days_without_a_range_are_those_of_the_sources_and_bounds_narrow_them(fresh: Path) -> None:
    assert partitions(distill(fresh, "run", "--json")) == {"2026-04-20", "2026-04-21"}
    assert partitions(distill(fresh, "run", "--json", "--from", "2026-04-21")) == {"2026-04-21"}
    assert partitions(distill(fresh, "run", "--json", "--to", "2026-04-20")) == {"2026-04-20"}
    wide = distill(fresh, "run", "--json", "--from", "2026-04-19", "--to", "2026-04-20")
    assert partitions(wide) == {"2026-04-19", "2026-04-20"}


def partitions(result: Any) -> set[str]:
    return set(document(result)["stages"][1]["partitions"])


def test_two_workers_come_to_the_same(project: Path) -> None:
    result = distill(project, "run", "--workers", "2", "--json")
    assert document(result)["drift"]["output_hash_match"] is True


TOMORROW = str(datetime.now(UTC).date() + timedelta(days=2))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", TOMORROW, "--to", TOMORROW], "lies in the future; today is"),
        (["--to", "2999-01-01"], "2999-01-01 lies in the future"),
        (["--from", "yesterday"], "'yesterday' is not a day; write it like 2026-04-20"),
        (["--from", "20260420"], "is not a day"),
        (["--from", "2026-04-21", "--to", "2026-04-20"], "--from 2026-04-21 is after --to 2026-04-20"),
        (["--run-id", "../../elsewhere"], "use letters, digits"),
        (["--workers", "0"], "greater than or equal to 1"),
        (["--wrokers", "2"], "No such option"),
        (["--from", "2020-01-01", "--to"], "requires an argument"),
        (["--to", "2020-01-01"], "no row in"),
        (["--data", "nowhere"], "there is no folder of trace files at"),
        (["--eval-sets", "nowhere"], "nowhere is not a folder of evaluation sets"),
        (["--sources", "nowhere"], "no stream is declared in nowhere"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file or directory"),
    ],
)
def test_bad_usage_ends_with_two_and_one_sentence(fresh: Path, arguments: list[str], said: str) -> None:
    result = distill(fresh, "run", *arguments)
    assert result.exit_code == 2
    assert said in flat(result.stderr)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not (fresh / "data/lake/evidence").exists()


def test_without_a_project_the_message_says_what_to_do(tmp_path: Path) -> None:
    result = distill(tmp_path, "run")
    assert result.exit_code == 2
    assert "there is no config/platform.yaml in" in flat(result.stderr)
    assert "--config FILE" in result.stderr


def test_the_project_is_found_from_a_folder_inside_it(finished: Path) -> None:
    assert distill(finished / "data" / "sources", "receipts").exit_code == 0


def test_with_json_an_error_is_a_document_too(fresh: Path) -> None:
    (fresh / "config/platform.yaml").write_text("wrokers: 1\n")
    result = distill(fresh, "run", "--json")
    assert result.exit_code == 2
    error = document(result)["error"]
    assert (error["kind"], error["line"], error["column"]) == ("ConfigError", 1, 1)
    assert error["hint"] == "Did you mean 'workers'?"


def stop_at(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the second stage of every run raise an error."""

    def fail(*_: object) -> None:
        raise error

    broken = Stage("scored_runs", ("evidence",), fail, "breaks")  # type: ignore[arg-type]
    whole = pipeline.run_all
    stages = [pipeline.STAGES[0], broken, *pipeline.STAGES[2:]]
    monkeypatch.setattr(pipeline, "run_all", lambda refinery, days, run_id: whole(refinery, days, run_id, stages))


@pytest.mark.parametrize(("error", "code"), [(GateRefused, 1), (LakeError, 1)])
def test_a_stage_that_says_no_ends_with_one_and_shows_how_far_it_came(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, error: type[LakeError], code: int
) -> None:
    stop_at(monkeypatch, error("the rows do not add up", hint="Count again"))
    result = distill(fresh, "run")
    assert result.exit_code == code
    assert "not passed: do not train on this" in result.stdout
    assert "the rows do not add up" in result.stdout
    assert "error: the rows do not add up\n       Count again" in result.stderr
    assert re.search(r"^scored_runs .* failed$", result.stdout, re.MULTILINE)
    assert "rag_corpus" not in result.stdout
    assert "Traceback" not in result.output
    again = distill(fresh, "receipts")
    assert again.exit_code == 1
    assert "the rows do not add up" in again.stdout


def test_a_refused_run_is_one_json_document(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, GateRefused("the rows do not add up", hint="Count again"))
    result = distill(fresh, "run", "--json")
    found = document(result)
    assert result.exit_code == 1
    assert found["overall_passed"] is False
    assert found["error"]["message"] == "the rows do not add up"


def test_an_interrupt_is_no_traceback(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, KeyboardInterrupt())
    result = distill(fresh, "run")
    assert result.exit_code == 130
    assert "interrupted: nothing half-written was published" in result.stderr


def test_a_bug_is_a_sentence_and_with_debug_a_traceback(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, RuntimeError("impossible"))
    result = distill(fresh, "run")
    assert result.exit_code == 70
    assert "this is a bug in distill: RuntimeError: impossible" in result.stderr
    assert "Traceback" not in result.output
    assert "Traceback" in distill(fresh, "--debug", "run").stderr


def test_an_error_message_cannot_act_on_the_terminal(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, GateRefused("\x1b]0;owned\x07 \u202e", hint="\x1b[2J"))
    result = distill(fresh, "run")
    assert result.exit_code == 1
    assert "\\x1b]0;owned\\x07 \\u202e" in result.stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(result.output)


def test_ctrl_c_ends_all_processes_quietly(tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    lines = (project / "data/sources/answers.jsonl").read_bytes() * 20_000
    (project / "data/sources/answers.jsonl").write_bytes(lines)
    command = [sys.executable, "-m", "distill_platform.cli", "run", "--workers", "2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=project, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("days in the sources")
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(timeout=60) == 130, said
    assert said.strip().endswith("the same command goes on from here")
    assert "Traceback" not in said


def test_the_committed_sample_runs_as_a_stranger_would_run_it(tmp_path: Path) -> None:
    for name in ("config", "data/sources"):
        shutil.copytree(ROOT / name, tmp_path / name)
    command = [sys.executable, "-m", "distill_platform.cli", "run", "--workers", "1", "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["stages"][1]["partitions"]) == 7
    assert all(stage["samples"] for stage in found["stages"][3:])
    traced = distill(tmp_path, "trace", found["example_id"])
    assert traced.exit_code == 0, traced.output
