"""The days of a run, when nobody names them, are those on which the sources hold rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from distill_platform.refinery.days import span_of_days
from distill_platform.refinery.stage import open_refinery
from distill_platform_tests.tiny_project import ANSWERS, DAYS, NOW, answer, lines_of, settings_of, tiny_project


def days_of(project: Path) -> list[str]:
    with open_refinery(settings_of(project), now=NOW) as refinery:
        return span_of_days(refinery)


def test_days_are_those_with_rows_in_order(tmp_path: Path) -> None:
    assert days_of(tiny_project(tmp_path)) == DAYS


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"at": "yesterday"}', b'{"at": "2026-04-20T10:00:00"}', b'{"at": 1, "at": 2}']
)
def test_lines_without_a_usable_time_stamp_belong_to_no_day(tmp_path: Path, line: bytes) -> None:
    project = tiny_project(tmp_path)
    (project / "data/sources/answers.jsonl").write_bytes(line + b"\n")
    assert days_of(project) == DAYS[:1]


def test_days_to_come_and_empty_days_between_are_left_out(tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    times = ["1970-01-02T00:00:00Z", "2026-05-01T23:59:59Z", "2026-05-02T00:00:00Z", "2026-04-30T23:30:00-01:00"]
    rows = [answer(str(number), at=at) for number, at in enumerate(times)]
    (project / "data/sources/answers.jsonl").write_bytes(b"\n".join(lines_of(rows)))
    assert days_of(project) == ["1970-01-02", "2026-04-20", "2026-05-01"]


def test_no_files_mean_no_days(tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    for path in (project / "data/sources").iterdir():
        path.unlink()
    assert days_of(project) == []


@pytest.mark.parametrize(
    "body", ["yield {**row, 'at': row['at'].replace('-20T', '-19T')}", "raise ValueError(row)", "return []"]
)
def test_rows_are_dated_after_the_transform(tmp_path: Path, body: str) -> None:
    project = tiny_project(tmp_path)
    name = f"tiny_dates_{abs(hash(body))}"
    (project / "config/sources/answers.yaml").write_text(
        ANSWERS.replace("record:", f"transform: {name}:move\nrecord:", 1)
    )
    (project / f"config/sources/{name}.py").write_text(f"def move(row):\n    {body}\n")
    expected = ["2026-04-19", "2026-04-20", "2026-04-21"] if "yield" in body else ["2026-04-20"]
    assert days_of(project) == expected


def test_two_workers_find_the_same_days_and_say_how_far_they_are(tmp_path: Path) -> None:
    settings = settings_of(tiny_project(tmp_path))
    settings = replace(settings, config=settings.config.model_copy(update={"workers": 2}))
    steps: list[tuple[str, int, int]] = []
    with open_refinery(settings, now=NOW, progress=lambda *step: steps.append(step)) as refinery:
        assert span_of_days(refinery) == DAYS
    assert steps == [("days in the sources", 1, 2), ("days in the sources", 2, 2)]
