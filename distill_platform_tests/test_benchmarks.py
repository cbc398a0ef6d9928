"""The benchmark measures what it says: it runs, every check holds, and the loops it compares write the same bytes."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from benchmarks.__main__ import main
from benchmarks.processes import Memory
from benchmarks.report import Report
from benchmarks.statistics.overfitting import with_numpy as pbo_with_numpy
from benchmarks.statistics.panels import with_numpy as panel_with_numpy
from benchmarks.traces import write_loop_rows
from distill_platform.stats.panel import panel_statistics
from distill_platform.stats.pbo import pbo_cscv

PEERS = {"skfolio": "skfolio.measures", "arch": "arch.bootstrap", "purgedcv": "purgedcv", "ffn": "ffn"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    """All parts but the models, very small; other packages count as not installed: importing them takes longer."""
    with pytest.MonkeyPatch.context() as patch:
        for module in PEERS.values():
            patch.setitem(sys.modules, module, None)
        sizes: dict[str, object] = {
            "rows": 2000,
            "loop-rows": 2000,
            "laps": 1,
            "share": 0.01,
            "evaluations": 3,
            "folder": folder,
        }
        sizes["only"] = "end-to-end,loop,statistics,evaluation,policy,backtest"
        sizes["vectorbt-python"] = folder / "none"
        return main([word for name, size in sizes.items() for word in (f"--{name}", str(size))])


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


def test_the_statistics_are_measured_though_no_peer_is_there(report: Report) -> None:
    text = report.to_markdown()
    assert [outcome.name for outcome in report.statistics] == [
        "panel_statistics",
        "bootstrap_sharpe",
        "bootstrap_sharpe",
        "pbo_cscv",
        "pbo_cscv",
        "spa",
        "mcs",
    ]
    times = {peer.name: peer.cpu_s for outcome in report.statistics for peer in outcome.peers}
    assert times.keys() == {"numpy", *PEERS}
    assert [name for name, cpu_s in times.items() if cpu_s is None] == list(PEERS)
    assert text.count("not installed") == 9
    for outcome in report.statistics:
        assert min(outcome.cpu_s, outcome.growth, outcome.share_of_limit) > 0


def test_backtests_are_measured_though_vectorbt_is_not_there(report: Report) -> None:
    assert [outcome.symbols for outcome in report.backtests] == [20, 500, 2_000]
    assert all(outcome.bar_steps_per_s > outcome.whole_bar_steps_per_s > 0 for outcome in report.backtests)
    assert "no environment with vectorbt here" in report.to_markdown()


def test_runs_are_evaluated_and_every_part_is_timed(report: Report) -> None:
    found = report.evaluated
    assert found is not None
    assert (found.runs, found.scenarios, found.resamples) == (3, 16, 1_000)
    assert min(found.wall_s, found.cpu_s, *found.memory) > 0
    assert [steps for steps, _ in found.growth] == [6_570, 26_280, 105_120]
    assert "## Evaluation" in report.to_markdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_installed_peer_is_measured(tmp_path: Path) -> None:
    report = main(["--only", "statistics", "--laps", "1", "--share", "0.01", "--folder", str(tmp_path)])
    assert all(peer.cpu_s for outcome in report.statistics for peer in outcome.peers)
    assert orjson.loads((tmp_path / "results.json").read_bytes())["statistics"][0]["peers"][1]["name"] == "skfolio"


def test_what_numpy_is_timed_with_computes_the_same() -> None:
    returns = np.random.default_rng(1).normal(0.0005, 0.01, (160, 7))
    found = panel_statistics(returns)
    expected = panel_with_numpy(returns)
    names = ("sharpe", "psr", "dsr", "max_drawdown", "max_time_under_water", "total_under_water", "current_under_water")
    for name, values in zip(names, expected, strict=True):
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-10, err_msg=name)
    assert pbo_with_numpy(returns, 8) == pbo_cscv(returns, 8).pbo


def test_loop_rows_are_the_same_each_time(tmp_path: Path) -> None:
    write_loop_rows(tmp_path / "a", 100)
    write_loop_rows(tmp_path / "b", 100)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_peak_is_that_of_the_time_asked_for() -> None:
    memory = Memory([(1.0, 5), (2.0, 9), (3.0, 7)])
    assert (memory.peak(), memory.peak(2.5, 4.0), memory.peak(5.0)) == (9, 7, 0)
