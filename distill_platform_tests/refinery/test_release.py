"""A release is one judged snapshot of a range of days: the same content in any order, written whole or not at all."""

import json
import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_platform.core.errors import GateRefused, LakeError, MissingDataset
from distill_platform.refinery.release import build, list_releases, verify_release
from distill_platform.store.lake import Check, Manifest
from distill_platform_tests.refinery.small_lake import MONDAY, TUESDAY, WEDNESDAY, SmallLake, answer, killed_at, week

FILES = {
    *(f"{config}/{split}.{kind}" for config in ("rag", "sft", "preference", "kto")
      for split in ("train", "validation") for kind in ("parquet", "jsonl")),
    *(f"conversations/{config}_{split}.jsonl" for config in ("sft", "preference", "kto")
      for split in ("train", "validation")),
    *(f"quarantine/{config}.parquet" for config in ("rag", "sft", "preference", "kto")),
    "README.md", "dataset_info.json", "axolotl.yaml", "MANIFEST.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """A lake with two days materialized; tests that change it make their own."""
    return SmallLake(tmp_path_factory.mktemp("small")).write(week()).materialize(MONDAY, TUESDAY)


def fresh(home: Path, rows: list[dict[str, Any]] | None = None) -> SmallLake:
    """A lake of a test's own with both days materialized."""
    return SmallLake(home).write(week() if rows is None else rows).materialize(MONDAY, TUESDAY)


def test_the_folder_holds_every_file_and_passes_its_own_verification(small: SmallLake) -> None:
    manifest = small.release(MONDAY, TUESDAY)
    folder = small.folder(manifest)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == FILES
    assert folder.name == manifest.version
    assert folder.name.startswith("2026-04-20_2026-04-21-")
    assert all(check.passed for check in verify_release(folder))


def test_the_lake_knows_the_release_by_its_range_and_lists_it(small: SmallLake) -> None:
    manifest = small.release(MONDAY, TUESDAY)
    assert small.lake.manifest("corpus_release", "2026-04-20_2026-04-21") == manifest
    listed = {info.name: info for info in list_releases(small.lake)}
    assert listed[manifest.version].manifest == manifest
    assert listed[manifest.version].problem == ""


def test_all_rows_are_accounted_for_in_every_corpus(small: SmallLake) -> None:
    manifest = small.release(MONDAY, TUESDAY)
    assert manifest.counts.rows_in == 4 * len(week())
    assert manifest.counts.conserved
    assert {check.name for check in manifest.checks} >= {
        "conservation",
        "firewall",
        "provenance",
        "determinism",
        "schema",
    }
    assert manifest.passed


def test_both_formats_hold_the_same_rows_with_all_their_keys(small: SmallLake) -> None:
    manifest = small.release(MONDAY, TUESDAY)
    for config in ("rag", "sft", "preference", "kto"):
        rows = small.rows(manifest, config)
        assert rows
        assert len({tuple(row) for row in rows}) == 1
        assert len(rows) == sum(manifest.tables[f"{config}/{split}"].rows for split in ("train", "validation"))


def test_the_order_in_which_days_were_materialized_changes_nothing(tmp_path: Path) -> None:
    forwards = SmallLake(tmp_path / "forwards").write(week()).materialize(MONDAY).materialize(TUESDAY)
    backwards = SmallLake(tmp_path / "backwards").write(week()).materialize(TUESDAY).materialize(MONDAY)
    one, other = forwards.release(MONDAY, TUESDAY), backwards.release(TUESDAY, MONDAY)
    assert one == other
    assert forwards.bytes_of("releases") == backwards.bytes_of("releases")


def test_pairs_reach_across_days(tmp_path: Path) -> None:
    rows = [answer(MONDAY, "shared", 9, "The better answer."), answer(TUESDAY, "shared", 1, "The worse answer.")]
    small = fresh(tmp_path, rows)
    for day in (MONDAY, TUESDAY):
        opened = small.lake.open("preference_corpus", day)
        assert opened.manifest.tables["samples"].rows == 0
    (pair,) = small.rows(small.release(MONDAY, TUESDAY), "preference")
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("The better answer.", "The worse answer.")


def test_a_text_accepted_one_day_and_rejected_the_next_is_in_no_corpus(tmp_path: Path) -> None:
    rows = [
        answer(MONDAY, "torn", 9, "Nobody agrees on this answer.", run="first"),
        answer(TUESDAY, "torn", 1, "Nobody agrees on this  ANSWER.", run="second"),
        answer(MONDAY, "torn", 9, "Everybody agrees on that.", run="third"),
    ]
    small = fresh(tmp_path, rows)
    assert small.lake.open("sft_corpus", MONDAY).manifest.tables["samples"].rows == 2
    manifest = small.release(MONDAY, TUESDAY)
    for config in ("rag", "sft", "kto"):
        assert {row["source_run_id"] for row in small.rows(manifest, config)} == {"third"}
    assert small.rows(manifest, "preference") == []
    assert manifest.extra["corpora"]["kto"]["counts"]["quarantined"] == {"verdict_conflict": 2}


def test_a_text_that_returns_the_next_day_is_released_once(tmp_path: Path) -> None:
    rows = [answer(day, "same", 9, "Said on both days.", run=day) for day in (MONDAY, TUESDAY)]
    small = fresh(tmp_path, rows)
    manifest = small.release(MONDAY, TUESDAY)
    assert [row["source_run_id"] for row in small.rows(manifest, "sft")] == [MONDAY]
    assert manifest.extra["corpora"]["sft"]["counts"]["deduplicated"] == 1


def test_releasing_the_same_content_again_writes_nothing(tmp_path: Path) -> None:
    small = fresh(tmp_path)
    first = small.release(MONDAY, TUESDAY)
    before = stamps(small)
    assert small.release(MONDAY, TUESDAY) == first
    assert stamps(small) == before


def stamps(small: SmallLake) -> dict[str, tuple[int, int]]:
    """When each file was written, and which file it is."""
    stats = {name: (small.lake.root / name).stat() for name in small.bytes_of()}
    return {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in stats.items()}


def test_another_threshold_gives_another_release_beside_the_first(tmp_path: Path) -> None:
    small = fresh(tmp_path)
    first = small.release(MONDAY, TUESDAY)
    other = SmallLake(tmp_path, "exports: {validation_fraction: 0.3, sft_include_partial: true}").write(week())
    second = other.materialize(MONDAY, TUESDAY).release(MONDAY, TUESDAY)
    assert [info.name for info in list_releases(small.lake)] == sorted([first.version, second.version])
    assert len(other.rows(second, "sft")) > len(small.rows(first, "sft"))


class Killed(BaseException):
    """What a test's on_step raises: nothing in the product catches it."""


@pytest.mark.slow
def test_killed_at_any_step_and_run_again_it_has_the_bytes_of_an_undisturbed_run(tmp_path: Path) -> None:
    steps: list[str] = []
    small = fresh(tmp_path)
    small.release(MONDAY, TUESDAY, on_step=steps.append)
    undisturbed = small.bytes_of()
    assert len(steps) > 30
    for number, step in enumerate(steps):
        for place in ("releases", "corpus_release"):
            shutil.rmtree(small.lake.root / place)
        with pytest.raises(Killed):
            small.release(MONDAY, TUESDAY, on_step=kill_at(number))
        assert all(verify_release(info.folder) for info in list_releases(small.lake)), f"half a release after {step!r}"
        small.release(MONDAY, TUESDAY)
        assert small.bytes_of() == undisturbed, f"other bytes after {step!r}"


def kill_at(number: int) -> Callable[[str], None]:
    """An on_step that ends everything at the step of that number."""
    seen: list[str] = []

    def step(name: str) -> None:
        seen.append(name)
        if len(seen) > number:
            raise Killed(name)

    return step


@pytest.mark.parametrize("step", ["released sft/validation", "renamed 2026-04-20_2026-04-21"])
def test_a_process_that_dies_leaves_nothing_that_the_next_one_would_trip_over(tmp_path: Path, step: str) -> None:
    small = fresh(tmp_path / "killed")
    process = multiprocessing.get_context("spawn").Process(target=killed_at, args=(small.home, step))
    process.start()
    process.join()
    assert process.exitcode == 9
    undisturbed = fresh(tmp_path / "undisturbed")
    assert small.release(MONDAY, TUESDAY) == undisturbed.release(MONDAY, TUESDAY)
    assert small.bytes_of("releases") == undisturbed.bytes_of("releases")
    assert [path for path in (small.lake.root / ".staging").iterdir() if path.is_dir()] == []


def test_a_damaged_release_is_made_whole_by_releasing_again(tmp_path: Path) -> None:
    small = fresh(tmp_path)
    manifest = small.release(MONDAY, TUESDAY)
    sound = small.bytes_of("releases")
    (small.folder(manifest) / "sft/train.jsonl").unlink()
    assert small.release(MONDAY, TUESDAY) == manifest
    assert small.bytes_of("releases") == sound


def test_a_day_that_was_never_materialized_refuses_the_release(small: SmallLake) -> None:
    with pytest.raises(MissingDataset, match=WEDNESDAY):
        small.release(MONDAY, TUESDAY, WEDNESDAY)
    with pytest.raises(LakeError, match="at least one day"):
        small.release()


def test_a_day_whose_corpus_failed_refuses_the_release(tmp_path: Path) -> None:
    small = fresh(tmp_path)
    small.lake.mark_failed("kto_corpus", TUESDAY, "the machine caught fire")
    with pytest.raises(GateRefused, match="caught fire"):
        small.release(MONDAY, TUESDAY)
    assert list_releases(small.lake) == []


def test_with_the_exporters_gates_off_the_written_rows_still_refuse_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = build.decide

    def admit_everything(*arguments: Any) -> Any:
        return [
            replace(one, judgement=replace(one.judgement, codes=np.zeros_like(one.judgement.codes)))
            for one in decide(*arguments)
        ]

    small = fresh(tmp_path)
    monkeypatch.setattr(build, "decide", admit_everything)
    with pytest.raises(GateRefused, match="firewall"):
        small.release(MONDAY, TUESDAY)
    assert list_releases(small.lake) == []
    assert small.lake.manifest("corpus_release", "2026-04-20_2026-04-21") is None


def test_a_release_whose_rows_do_not_hold_up_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Check("task_splits", False, True, 3, 0, "tasks in both splits")
    small = fresh(tmp_path)
    monkeypatch.setattr(build, "check_rows", lambda *_, **__: [failed])
    with pytest.raises(GateRefused, match=r"task_splits: tasks in both splits \(observed 3"):
        small.release(MONDAY, TUESDAY)
    assert list_releases(small.lake) == []


def test_a_range_without_any_rows_is_a_release_too(tmp_path: Path) -> None:
    small = SmallLake(tmp_path).write(week()).materialize(WEDNESDAY)
    manifest = small.release(WEDNESDAY)
    assert manifest.counts.rows_in == 0
    assert verify_release(small.folder(manifest))


def test_one_list_shows_a_release_whose_manifest_was_edited(tmp_path: Path) -> None:
    small = fresh(tmp_path)
    manifest: Manifest = small.release(MONDAY, TUESDAY)
    place = small.folder(manifest) / "MANIFEST.json"
    body = json.loads(place.read_bytes())
    place.write_bytes(json.dumps({**body, "passed": not body["passed"]}).encode())
    (info,) = list_releases(small.lake)
    assert info.manifest is None
    assert "does not match its own digest" in info.problem
