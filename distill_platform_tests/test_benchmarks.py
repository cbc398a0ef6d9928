"""The benchmark measures what it says: it runs, every check holds, and the loops it compares write the same bytes."""

import re
import shutil
from pathlib import Path

import orjson
import pytest

from benchmarks.__main__ import main
from benchmarks.processes import Memory
from benchmarks.report import Report
from benchmarks.traces import write_loop_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return main(["--rows", "2000", "--loop-rows", "2000", "--laps", "1", "--folder", str(folder)])


STEPS = ["evidence", "scored_runs", "screened_texts", "four corpora", "corpus_release", "drift_report"]


def test_every_stage_is_measured_and_no_row_is_missing(report: Report) -> None:
    for run in report.runs:
        assert [stage.name for stage in run.stages] == [
            "evidence",
            "scored_runs",
            "screened_texts",
            "four corpora",
            "corpus_release",
            "drift_report",
        ]
        assert run.stages[0].rows_in == run.rows
        for stage in run.stages:
            assert stage.rows_in == stage.rows_out + stage.dropped
        assert run.peak > 0


def test_the_report_names_what_was_measured(report: Report, folder: Path) -> None:
    text = report.to_markdown()
    assert (folder / "results.md").read_text(encoding="utf-8") == text
    for said in ("## End to end", "2,000", "peak memory", "evidence", "corpus_release", "--scale"):
        assert said in text
    assert not re.search(r"\bnan\b|None", text)
    assert orjson.loads((folder / "results.json").read_bytes())["runs"][0]["rows"] == 2_000


def test_a_run_beside_itself_has_linear_time_and_flat_memory(report: Report) -> None:
    text = Report(report.machine, None, [*report.runs, *report.runs], None).to_markdown()
    assert text.count("1.00x") >= 8


def test_generated_files_are_removed_again(report: Report, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["results.json", "results.md"]


def test_all_loops_read_and_keep_the_same_rows(report: Report) -> None:
    assert report.contest is not None  # compete() itself raises when outputs differ
    counts = {(lap.rows, lap.kept) for laps in report.contest.laps.values() for lap in laps}
    assert counts == {(2_000, 2_000 - 1_999 // 33)}
    assert bool(report.contest.against) == bool(shutil.which("node"))


def test_loop_rows_are_the_same_each_time(tmp_path: Path) -> None:
    write_loop_rows(tmp_path / "a", 100)
    write_loop_rows(tmp_path / "b", 100)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_peak_is_that_of_the_time_asked_for() -> None:
    memory = Memory([(1.0, 5), (2.0, 9), (3.0, 7)])
    assert (memory.peak(), memory.peak(2.5, 4.0), memory.peak(5.0)) == (9, 7, 0)
