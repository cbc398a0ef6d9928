"""What counts as a change in the source files, beyond what the sensor's own tests show."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from distill_platform.refinery import file_hashes, source_changes
from distill_platform.refinery.file_hashes import GONE, FileHashes
from distill_platform.refinery.settings import PathOverrides, load_settings
from distill_platform.refinery.source_changes import Seen, look
from distill_platform.store.lake import file_sha256
from distill_platform_tests.tiny_project import ANSWERS, DAYS, settings_of, tiny_project

ROOT = Path(__file__).parents[2]
TODAY = "2026-05-01"
SPLIT = "def split(row):\n    yield row\n    yield {**row, 'at': '2026-03-01T00:00:00Z'}\n"


def test_the_sample_changes_the_days_it_has_and_no_others() -> None:
    settings = load_settings(ROOT / "config/platform.yaml", PathOverrides(lake=Path("unused")))
    first = look(settings, Seen(), TODAY, file_sha256)
    assert first.days == ()
    assert look(settings, first.seen, TODAY, file_sha256).days == tuple(f"2026-04-{day}" for day in range(20, 27))


def test_what_was_seen_reads_back_as_it_was(tmp_path: Path) -> None:
    settings = settings_of(tiny_project(tmp_path))
    seen = look(settings, look(settings, Seen(), TODAY, file_sha256).seen, "2026-04-21", file_sha256).seen
    assert seen.waiting == (DAYS[1],)
    assert Seen.from_bytes(seen.to_bytes()) == seen


def test_many_changed_bytes_are_read_over_several_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tiny_project(tmp_path))
    monkeypatch.setattr(source_changes, "SCAN_BYTES", 1)
    seen = look(settings, Seen(), TODAY, file_sha256).seen
    first = look(settings, seen, TODAY, file_sha256)
    second = look(settings, first.seen, TODAY, file_sha256)
    assert [first.unsettled, second.unsettled] == [("notes/notes.jsonl",), ()]
    assert [first.days, second.days] == [tuple(DAYS), (DAYS[0],)]


def test_a_row_that_a_transform_splits_counts_for_every_day_it_is_about(tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    (project / "config/sources/splitting_rows.py").write_text(SPLIT)
    (project / "config/sources/answers.yaml").write_text(ANSWERS + "transform: splitting_rows:split\n")
    settings = settings_of(project)
    changes = look(settings, look(settings, Seen(), TODAY, file_sha256).seen, TODAY, file_sha256)
    assert changes.days == ("2026-03-01", *DAYS)


def test_another_mapping_looks_again_and_finds_the_days_that_moved(tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    before = settings_of(project)
    seen = look(before, look(before, Seen(), TODAY, file_sha256).seen, TODAY, file_sha256).seen
    (project / "config/sources/notes.yaml").unlink()
    declaration = project / "config/sources/answers.yaml"
    declaration.write_text(ANSWERS.replace("description: Answers", "description: All answers"))
    after = settings_of(project)
    changes = look(after, look(after, seen, TODAY, file_sha256).seen, TODAY, file_sha256)
    assert changes.days == (DAYS[0],)  # the stream that is no longer declared had a row there; the other moved nothing


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that was read from end to end."""
    found: list[Path] = []

    def reading(path: Path) -> str:
        found.append(path)
        return file_sha256(path)

    monkeypatch.setattr(file_hashes, "file_sha256", reading)
    return found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Moves the clock on, past the moments in which two changes may carry the same time."""
    now = file_hashes.time.time_ns

    def move() -> None:
        monkeypatch.setattr(file_hashes.time, "time_ns", lambda: now() + 10**10)

    return move


def test_an_untouched_file_is_read_once(tmp_path: Path, reads: list[Path], later: Callable[[], None]) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    later()
    hashes = FileHashes()
    assert hashes(path) == hashes(path)
    assert reads == [path]
    state = path.stat()
    path.write_text("two")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert hashes(path) == file_sha256(path)
    assert len(reads) == 2


def test_a_file_that_was_just_changed_is_read_again(tmp_path: Path, reads: list[Path]) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    hashes = FileHashes()
    assert hashes(path) == hashes(path)
    assert len(reads) == 2


def test_a_missing_file_is_gone(tmp_path: Path) -> None:
    assert FileHashes()(tmp_path / "a") == GONE


def test_settings_without_files_change_nothing(tmp_path: Path) -> None:
    settings = replace(settings_of(tiny_project(tmp_path)), data=tmp_path / "nowhere")
    assert look(settings, Seen(), TODAY, file_sha256).days == ()
