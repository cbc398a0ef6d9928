"""`distill evaluate` judges what waits, or the days that it is told, and says what came of them."""

import shutil
from pathlib import Path

import pytest

from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_what_waits_is_judged_and_shown_and_then_nothing_waits(lab: Lab) -> None:
    lab.hand_in(1, strategy_id="good")
    lab.hand_in(2, NEXT_DAY, strategy_id="bad", sharpe=0.0)
    result = distill(lab.folder, "evaluate")
    assert result.exit_code == 0, result.output
    assert "2 runs: 1 pass, 1 fail." in result.stdout
    assert "Reports: data/lake/reports/index.html" in result.stdout
    again = distill(lab.folder, "evaluate")
    assert again.exit_code == 0
    assert "Nothing waits to be judged" in again.stdout
    assert "2 runs: 1 pass, 1 fail." in again.stdout


def test_a_run_that_fails_is_an_answer_and_no_error(lab: Lab) -> None:
    lab.hand_in(1, sharpe=-2.0)
    assert distill(lab.folder, "evaluate").exit_code == 0


def test_one_json_document_says_it_all(lab: Lab) -> None:
    lab.hand_in(1)
    lab.hand_in(2, sharpe=0.0)
    found = document(distill(lab.folder, "evaluate", "--json"))
    assert found["days"] == [DAY]
    assert [(run["run_id"], run["status"]) for run in found["runs"]] == [("run-1", "pass"), ("run-2", "fail")]
    assert found["turned_away"] == []
    assert Path(found["index"]).is_file()


def test_what_was_turned_away_is_told_with_its_reason(lab: Lab) -> None:
    (lab.inbox / lab.hand_in(1) / "steps.parquet").write_bytes(b"spoiled")
    lab.hand_in(2, strategy_id="fine")
    result = distill(lab.folder, "evaluate")
    assert result.exit_code == 0
    assert "refused: run-1" in flat(result.stdout)
    assert "hash_mismatch" in flat(result.stdout)
    assert "1 runs: 1 pass" in result.stdout


@pytest.mark.parametrize(
    ("chosen", "judged"),
    [
        (["--from", DAY, "--to", DAY], {"run-1"}),
        (["--from", NEXT_DAY], {"run-2"}),
        (["--to", DAY], {"run-1"}),
        (["--from", DAY, "--to", NEXT_DAY], {"run-1", "run-2"}),
    ],
)
def test_the_days_may_be_chosen(lab: Lab, chosen: list[str], judged: set[str]) -> None:
    lab.hand_in(1, DAY)
    lab.hand_in(2, NEXT_DAY, cohort_id="another", strategy_id="another")
    found = document(distill(lab.folder, "evaluate", "--json", *chosen))
    assert {run["run_id"] for run in found["runs"]} == judged


@pytest.mark.parametrize(
    "chosen", [["--from", NEXT_DAY, "--to", DAY], ["--from", "yesterday"], ["--to", "2999-01-01"], ["--surprise"]]
)
def test_days_that_are_none_are_a_usage_error(lab: Lab, chosen: list[str]) -> None:
    result = distill(lab.folder, "evaluate", *chosen)
    assert result.exit_code == 2
    assert not lab.lake.exists()


def test_an_empty_project_is_no_error(lab: Lab) -> None:
    result = distill(lab.folder, "evaluate")
    assert result.exit_code == 0
    assert "No run was judged." in result.stdout
    assert document(distill(lab.folder, "evaluate", "--json"))["runs"] == []


def test_places_may_be_given(lab: Lab, tmp_path: Path) -> None:
    lab.hand_in(1)
    shutil.move(lab.inbox, tmp_path / "elsewhere")
    given = ["--inbox", str(tmp_path / "elsewhere"), "--lake", str(tmp_path / "lake"), "--worlds", str(lab.worlds)]
    assert distill(lab.folder, "evaluate", *given).exit_code == 0
    assert (tmp_path / "lake/reports/runs/run-1/evaluation_report.md").is_file()
    assert not (lab.lake / "reports").exists()


def test_a_broken_world_is_told_but_stops_nothing(lab: Lab) -> None:
    lab.hand_in(1)
    lab.hand_in(2, world_id="other")
    (lab.worlds / "other.yaml").write_text("world_id: [\n")
    result = distill(lab.folder, "evaluate")
    assert result.exit_code == 0
    assert "unknown_world" in flat(result.stdout)
    assert "1 runs: 1 pass." in result.stdout


def test_no_folder_of_worlds_is_a_mistake_of_the_caller(lab: Lab) -> None:
    result = distill(lab.folder, "evaluate", "--worlds", "nowhere")
    assert result.exit_code == 2
    assert "there is no folder of worlds" in flat(result.output)


def test_a_damaged_store_ends_with_an_error_and_a_way_out(lab: Lab) -> None:
    lab.hand_in(1)
    distill(lab.folder, "evaluate")
    shutil.rmtree(lab.inbox)
    for bundle in (lab.lake / "bundles").glob("[0-9a-f]*"):
        shutil.rmtree(bundle)
    result = distill(lab.folder, "evaluate", "--from", DAY, "--to", DAY)
    assert result.exit_code != 0
    assert "Hand the run in again" in flat(result.output)


def test_hostile_names_cannot_draw_on_the_terminal(lab: Lab) -> None:
    lab.inbox.mkdir(parents=True)
    (lab.inbox / "\x1b[31mred\x1b]0;title\x07").mkdir()
    result = distill(lab.folder, "evaluate")
    assert result.exit_code == 0
    assert "\x1b]0" not in result.stdout
    assert "\x1b[31mred" not in result.stdout
    assert "bad_name" in flat(result.stdout)


def test_a_ledger_on_postgres_serves_as_well(lab: Lab, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.hand_in(1)
    lab.hand_in(2, NEXT_DAY, sharpe=0.0)
    on_sqlite = Lab(lab.folder / "sqlite")
    for seed, day, sharpe in ((1, DAY, 2.0), (2, NEXT_DAY, 0.0)):
        on_sqlite.hand_in(seed, day, sharpe=sharpe)
    on_sqlite.evaluate()
    monkeypatch.setenv("DISTILL_LEDGER_URL", postgres_url)
    result = distill(lab.folder, "evaluate")
    assert result.exit_code == 0, result.output
    assert not (lab.folder / "data/ledger/ledger.sqlite").exists()
    assert lab.reports() == on_sqlite.reports()
    assert "Nothing waits" in distill(lab.folder, "evaluate").stdout
    assert len(lab.revisions("run-1")) == 1
