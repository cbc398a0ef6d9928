"""The sensor asks for exactly the days whose source rows changed; the schedule asks for yesterday."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.core.errors import ConfigError
from distill_platform.defs.schedules import refinery_daily
from distill_platform.defs.sensors import changed_sources
from distill_platform_tests.defs.runs import Project, asked_for
from distill_platform_tests.tiny_project import DAYS, MALFORMED, answer


class Watcher:
    """A sensor with its cursor, asked by hand."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.cursor: str | None = None
        self.said: str | None = None

    def tick(self) -> list[str]:
        """The days that one evaluation asks for, ranges as `first...last`."""
        with dg.build_sensor_context(
            instance=self.project.instance, cursor=self.cursor, resources={"refinery": self.project.resource}
        ) as context:
            result = changed_sources(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.said = result.skip_reason.skip_message if result.skip_reason else None
        return [_asked(request) for request in result.run_requests or []]

    def settle(self) -> list[str]:
        """The days asked for once files look the same twice."""
        assert self.tick() == []
        return self.tick()


def _asked(request: dg.RunRequest) -> str:
    if request.partition_key:
        return request.partition_key
    return f"{request.tags[ASSET_PARTITION_RANGE_START_TAG]}...{request.tags[ASSET_PARTITION_RANGE_END_TAG]}"


@pytest.fixture
def watcher(project: Project) -> Watcher:
    return Watcher(project)


@pytest.fixture
def answers(project: Project) -> Path:
    return project.folder / "data/sources/answers.jsonl"


def append(path: Path, *rows: dict[str, object]) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_at_first_everything_is_new_once_it_has_settled(watcher: Watcher) -> None:
    assert watcher.settle() == [f"{DAYS[0]}...{DAYS[1]}"]
    assert watcher.tick() == []
    assert watcher.said == "no change"


def test_an_appended_row_asks_for_its_own_day_only(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    append(answers, answer("more", at="2026-04-23T08:00:00Z"))
    assert watcher.settle() == ["2026-04-23"]


def test_days_that_do_not_follow_one_another_are_runs_of_their_own(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    append(answers, *(answer(f"r{day}", at=f"2026-03-0{day}T08:00:00Z") for day in (1, 2, 3, 6)))
    assert watcher.settle() == ["2026-03-01...2026-03-03", "2026-03-06"]


def test_a_row_that_moves_within_its_file_makes_its_day_anew(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    lines = answers.read_bytes().splitlines(keepends=True)
    answers.write_bytes(b"".join([*lines[-2:], *lines[:-2]]))
    assert watcher.settle() == [f"{DAYS[0]}...{DAYS[1]}"]


def test_a_new_time_stamp_on_the_same_bytes_is_no_change(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    answers.write_bytes(answers.read_bytes())
    assert watcher.tick() == []
    assert watcher.said == "no change"


def test_changed_bytes_under_an_old_time_stamp_are_a_change(watcher: Watcher, answers: Path) -> None:
    import os

    watcher.settle()
    state = answers.stat()
    answers.write_bytes(answers.read_bytes().replace(b"early and often", b"often and early"))
    os.utime(answers, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert answers.stat().st_size == state.st_size
    assert watcher.settle() == [DAYS[0]]


def test_a_file_that_is_still_being_written_waits(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    for number in range(3):
        append(answers, answer(f"w{number}", at="2026-04-24T08:00:00Z"))
        assert watcher.tick() == []
        assert watcher.said == "1 files changed and must look the same once more"
    assert watcher.tick() == ["2026-04-24"]


def test_a_deleted_file_makes_its_days_anew_but_one_gone_for_a_moment_does_not(
    watcher: Watcher, answers: Path, tmp_path: Path
) -> None:
    watcher.settle()
    answers.rename(tmp_path / "away")
    assert watcher.tick() == []
    (tmp_path / "away").rename(answers)
    assert watcher.tick() == []
    assert watcher.said == "no change"
    answers.unlink()
    assert watcher.settle() == [f"{DAYS[0]}...{DAYS[1]}"]


def test_a_change_in_rows_without_a_day_is_taken_in_by_the_latest_day(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    answers.write_bytes(answers.read_bytes().replace(MALFORMED, MALFORMED.replace(b"oops", b"ouch")))
    assert watcher.settle() == [DAYS[1]]


def test_a_day_that_is_not_over_waits_until_it_is(
    watcher: Watcher, answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        day = 23

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 4, cls.day, 12, tzinfo=UTC)

    monkeypatch.setattr("distill_platform.defs.sensors.datetime", Clock)
    watcher.settle()
    append(answers, answer("today", at="2026-04-23T08:00:00Z"))
    assert watcher.settle() == []
    assert watcher.tick() == []
    Clock.day = 24
    assert watcher.tick() == ["2026-04-23"]
    assert watcher.tick() == []


@pytest.mark.parametrize("cursor", ["", "{not json", "0" * 64, "../../../etc/passwd"])
def test_a_cursor_that_says_nothing_means_a_full_scan(watcher: Watcher, cursor: str) -> None:
    watcher.settle()
    watcher.cursor = cursor
    assert watcher.settle() == [f"{DAYS[0]}...{DAYS[1]}"]


def test_damage_to_what_was_seen_means_a_full_scan(watcher: Watcher) -> None:
    watcher.settle()
    for path in (watcher.project.lake.root / "sensors").glob("*.json"):
        path.write_bytes(path.read_bytes()[:-9])
    assert watcher.settle() == [f"{DAYS[0]}...{DAYS[1]}"]


def test_an_evaluation_that_was_lost_is_made_up_for(watcher: Watcher, answers: Path) -> None:
    watcher.settle()
    append(answers, answer("more", at="2026-04-23T08:00:00Z"))
    watcher.tick()
    before = watcher.cursor
    assert watcher.tick() == ["2026-04-23"]
    watcher.cursor = before
    assert watcher.tick() == ["2026-04-23"]


def test_what_was_seen_does_not_pile_up(watcher: Watcher, answers: Path) -> None:
    for number in range(4):
        append(answers, answer(f"w{number}"))
        watcher.settle()
    assert len(list((watcher.project.lake.root / "sensors").glob("*.json"))) == 2


def test_a_wrong_configuration_fails_the_tick_and_starts_no_run(watcher: Watcher) -> None:
    (watcher.project.folder / "config/platform.yaml").write_text("workers: 0\n")
    with pytest.raises(ConfigError):
        watcher.tick()


def test_what_the_sensor_asks_for_runs(watcher: Watcher) -> None:
    (asked,) = watcher.settle()
    first, last = asked.split("...")
    result = watcher.project.run([first, last])
    assert result.success


def test_the_schedule_builds_the_day_that_has_just_ended(project: Project) -> None:
    at = datetime(2026, 4, 23, 0, 15, tzinfo=UTC)
    assert asked_for(refinery_daily, project.defs, {"refinery": project.resource}, at) == ["2026-04-22"]
