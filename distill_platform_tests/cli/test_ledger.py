"""`distill ledger` says whether the record is whole, and exports it."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from distill_platform.store.ledger import Entry, open_ledger
from distill_platform_tests.cli.terminal import distill, document, flat


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two revisions of 2026-04-20."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "platform.yaml").write_text("workers: 1\n")
    clock: Callable[[], datetime] = lambda: datetime(2026, 4, 20, 12, tzinfo=UTC)  # noqa: E731 - one line is enough
    home = tmp_path / "data" / "ledger"
    with open_ledger(f"sqlite:///{home / 'ledger.sqlite'}", clock=clock, anchors=home / "anchors.jsonl") as ledger:
        ledger.append(Entry("baseline", "first", "baseline", {"n": 1}, "tester"))
        ledger.append(Entry("baseline", "second", "baseline", {"n": 2}, "tester"))
    return tmp_path


def spoil(project: Path, *statements: str) -> None:
    connection = sqlite3.connect(project / "data/ledger/ledger.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_whole_ledger_passes_from_any_folder_of_the_project(project: Path) -> None:
    for folder in (project, project / "data"):
        result = distill(folder, "ledger", "verify")
        assert result.exit_code == 0, result.output
        assert "2 revisions in 1 streams, 2 anchors: as they were recorded" in result.stdout


def test_verify_gives_one_json_document(project: Path) -> None:
    found = document(distill(project, "ledger", "verify", "--json"))
    assert found == {"passed": True, "streams": 1, "revisions": 2, "anchors": 2, "findings": []}


def test_a_missing_guard_ends_with_one_and_prepare_mends_it(project: Path) -> None:
    spoil(project, "DROP TRIGGER revision_stays")
    result = distill(project, "ledger", "verify")
    assert result.exit_code == 1
    assert "unguarded: the trigger revision_stays is missing" in result.stdout
    assert distill(project, "ledger", "export").exit_code == 1
    assert distill(project, "ledger", "prepare").exit_code == 0
    assert distill(project, "ledger", "verify").exit_code == 0


def test_an_edited_revision_ends_with_one_and_is_named(project: Path) -> None:
    spoil(project, "DROP TRIGGER revision_stays", "UPDATE revision SET body = '{}' WHERE number = 1")
    distill(project, "ledger", "prepare")
    result = distill(project, "ledger", "verify")
    assert result.exit_code == 1
    assert "changed: baseline 1: it is not what was recorded" in flat(result.stdout)
    found = document(distill(project, "ledger", "verify", "--json"))
    assert found["passed"] is False
    assert [(finding["flaw"], finding["number"]) for finding in found["findings"]] == [("changed", 1)]


def test_only_the_first_of_many_findings_are_shown_without_json(project: Path) -> None:
    with open_ledger(
        f"sqlite:///{project}/data/ledger/ledger.sqlite", clock=lambda: datetime.now(UTC), anchors=None
    ) as ledger:
        ledger.append_all([Entry("baseline", f"k{n}", "baseline", {}, "tester") for n in range(50)])
    spoil(project, "DROP TRIGGER revision_stays", "UPDATE revision SET actor = 'x'")
    assert "more; --json lists them all" in distill(project, "ledger", "verify").stdout
    assert len(document(distill(project, "ledger", "verify", "--json"))["findings"]) == 53


def test_anchors_kept_elsewhere_can_be_named(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((project / "data/ledger/anchors.jsonl").read_bytes())
    (project / "data/ledger/ledger.sqlite").unlink()
    (project / "data/ledger/anchors.jsonl").unlink()
    assert distill(project, "ledger", "verify").exit_code == 0
    result = distill(project, "ledger", "verify", "--anchors", str(copy))
    assert result.exit_code == 1
    assert "the whole stream is gone" in result.stdout


@pytest.mark.parametrize("arguments", [["--anchors", "nowhere"], ["--config", "nowhere/config/x.yaml", "--nonsense"]])
def test_bad_usage_ends_with_two(project: Path, arguments: list[str]) -> None:
    assert distill(project, "ledger", "verify", *arguments).exit_code == 2


def test_outside_of_a_project_is_bad_usage(tmp_path: Path) -> None:
    assert distill(tmp_path, "ledger", "verify").exit_code == 2


def test_the_url_may_come_from_the_environment(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILL_LEDGER_URL", "sqlite:///other/place.sqlite")
    assert distill(project / "data", "ledger", "prepare").exit_code == 0
    assert (project / "other" / "place.sqlite").is_file()
    monkeypatch.setenv("DISTILL_LEDGER_URL", "mysql://me:s3cret@host/db")
    result = distill(project, "ledger", "verify")
    assert result.exit_code == 2
    assert "s3cret" not in result.output


def test_closed_days_are_exported_once(project: Path) -> None:
    first = distill(project, "ledger", "export")
    assert first.exit_code == 0, first.output
    assert "2 revisions of 2026-04-20 in data/ledger/export/day=2026-04-20/part-00001.parquet" in first.stdout
    assert "nothing new" in distill(project, "ledger", "export").stdout


def test_an_export_gives_one_json_document(project: Path, tmp_path: Path) -> None:
    found = document(distill(project, "ledger", "export", "--folder", str(tmp_path / "x"), "--json"))
    assert [(part["day"], part["rows"]) for part in found["parts"]] == [("2026-04-20", 2)]
    assert Path(found["parts"][0]["file"]).is_file()
