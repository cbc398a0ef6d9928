"""Bad input is normal input: shown with its reason, and never in the way of the others."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from distill_platform.store.lake.manifest import read_manifest
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST
from distill_platform_tests.evaluation.lab import DAY, NEXT_DAY, NOW, Lab
from distill_platform_tests.strategies.bundles.builders import sealed, with_manifest


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def conserved(lab: Lab) -> bool:
    """Whether every row of every manifest is accounted for."""
    found = [read_manifest(data, name).counts for name, data in lab.manifests().items()]
    gone = [sum(counts.skipped.values()) + sum(counts.quarantined.values()) for counts in found]
    return all(c.rows_in == c.rows_out + c.deduplicated + g for c, g in zip(found, gone, strict=True))


def cut_off(folder: Path) -> None:
    (folder / "steps.parquet").write_bytes((folder / "steps.parquet").read_bytes()[:100])


def not_parquet(folder: Path) -> None:
    (folder / "steps.parquet").write_bytes(b"PAR1" + os.urandom(64) + b"PAR1")
    sealed(folder)


def link(folder: Path) -> None:
    (folder / "steps.parquet").unlink()
    (folder / "steps.parquet").symlink_to("/etc/passwd")


def pipe(folder: Path) -> None:
    (folder / "steps.parquet").unlink()
    os.mkfifo(folder / "steps.parquet")


HOSTILE: dict[str, Callable[[Path], object]] = {
    "cut off": cut_off,
    "not parquet": not_parquet,
    "a link out": link,
    "a pipe": pipe,
    "no manifest": lambda folder: ((folder / MANIFEST).unlink(), sealed(folder)),
    "deep JSON": lambda folder: ((folder / MANIFEST).write_text("[" * 100_000), sealed(folder)),
    "empty seal": lambda folder: (folder / COMPLETE).write_text(""),
    "another name": lambda folder: with_manifest(folder, lambda told: told.update(run_id="../../escape")),
    "an unknown world": lambda folder: with_manifest(folder, lambda told: told.update(world_id="atlantis")),
    "an unknown key": lambda folder: with_manifest(folder, lambda told: told.update(surprise=1)),
    "text in binary": lambda folder: (folder / COMPLETE).write_bytes(b"\xff\xfe\x00"),
}


def test_broken_bundles_are_shown_with_their_reason_and_stop_nobody(lab: Lab) -> None:
    for number, spoil in enumerate(HOSTILE.values(), 10):
        spoil(lab.inbox / lab.hand_in(number, days=20))
    (lab.inbox / "a file").write_text("no bundle")
    lab.hand_in(1, run_id="sound")
    days = lab.evaluate()
    found = lab.overview(*days)
    assert [run["run_id"] for run in found.runs] == ["sound"]
    assert {row["name"] for row in found.turned_away} == {f"run-{n}" for n in range(10, 10 + len(HOSTILE))} | {"a file"}
    assert all(row["state"] == "refused" and row["reason"] and row["message"] for row in found.turned_away)
    assert conserved(lab)
    page = (lab.lake / "reports/index.html").read_text()
    assert all(row["reason"] in page or row["message"][:20] in page for row in found.turned_away)
    assert not (lab.folder / "escape").exists()
    assert lab.waiting() == []


def test_a_day_with_nothing_but_refused_bundles_is_shown_once(lab: Lab) -> None:
    not_parquet(lab.inbox / lab.hand_in(1))
    (day,) = lab.evaluate()
    assert day == NOW.date().isoformat()
    assert [row["reason"] for row in lab.overview(day).turned_away] == ["parquet_unreadable"]
    assert lab.waiting() == []


def test_a_folder_that_is_not_complete_waits_and_is_then_judged(lab: Lab) -> None:
    folder = lab.inbox / lab.hand_in(1)
    (folder / COMPLETE).unlink()
    assert lab.waiting() == []
    sealed(folder)
    assert len(lab.judge()) == 1


def test_a_broken_world_stops_only_its_own_runs(lab: Lab) -> None:
    lab.world(lambda world: world.update(world_id="other"), "other")
    lab.hand_in(1, run_id="mine")
    lab.hand_in(2, run_id="theirs", world_id="other", cohort_id="theirs", strategy_id="theirs")
    lab.evaluate()
    assert {run["run_id"] for run in lab.overview(DAY).runs} == {"mine", "theirs"}
    (lab.worlds / "other.yaml").write_text("world_id: other\nversion: [broken\n")
    assert lab.evaluate() == [DAY]
    found = lab.overview(DAY)
    assert [run["run_id"] for run in found.runs] == ["mine"]
    (unjudged,) = found.turned_away
    assert (unjudged["name"], unjudged["state"], unjudged["reason"]) == ("theirs", "unjudged", "unknown_world")
    assert "other.yaml" in unjudged["message"]
    assert conserved(lab)
    assert lab.waiting() == []
    lab.world(lambda world: world.update(world_id="other"), "other")
    assert lab.evaluate() == [DAY]
    assert {run["run_id"] for run in lab.overview(DAY).runs} == {"mine", "theirs"}


def test_runs_of_a_world_that_is_broken_from_the_start_are_refused_until_it_is_mended(lab: Lab) -> None:
    (lab.worlds / "other.yaml").write_text("- not a world\n")
    lab.hand_in(1, run_id="mine")
    lab.hand_in(2, run_id="theirs", world_id="other")
    days = lab.evaluate()
    found = lab.overview(*days)
    assert [run["run_id"] for run in found.runs] == ["mine"]
    assert [(row["name"], row["reason"]) for row in found.turned_away] == [("theirs", "unknown_world")]
    lab.world(lambda world: world.update(world_id="other"), "other")
    days = lab.evaluate()
    assert {run["run_id"] for run in lab.overview(*days).runs} == {"mine", "theirs"}
    assert lab.waiting() == []


def test_a_run_of_a_stage_that_its_world_does_not_judge_is_shown_as_that(lab: Lab) -> None:
    lab.hand_in(1, run_id="mine")
    lab.hand_in(2, run_id="trading", stage="live", strategy_id="other", cohort_id="other")
    lab.evaluate()
    (unjudged,) = lab.overview(DAY).turned_away
    assert (unjudged["name"], unjudged["reason"]) == ("trading", "no_profile_for_stage")
    assert "trading" in (lab.lake / "reports/index.html").read_text()
    assert conserved(lab)
    assert lab.waiting() == []


def test_two_files_that_declare_one_world_judge_nobody_by_chance(lab: Lab) -> None:
    lab.world(name="again")
    lab.hand_in(1)
    days = lab.evaluate()
    assert [row["reason"] for row in lab.overview(*days).turned_away] == ["unknown_world"]


def test_a_run_that_never_moved_and_one_of_a_single_step_are_judged_all_the_same(lab: Lab) -> None:
    lab.hand_in(1, days=1, run_id="one-step")
    lab.hand_in(2, days=3, run_id="three-steps")
    lab.hand_in(3, NEXT_DAY, run_id="sound")
    lab.evaluate()
    for run_id in ("one-step", "three-steps"):
        assert lab.verdict(run_id)["summary"]["status"] == "fail"
    assert lab.verdict("sound")["summary"]["status"] == "pass"


def test_the_longest_and_oddest_names_that_a_manifest_may_have_are_judged(lab: Lab) -> None:
    odd = "A._:@+=-" + "x" * 120
    lab.world(lambda world: world.update(world_id="w" * 64), "long")
    lab.hand_in(1, run_id=odd, strategy_id=odd, cohort_id=odd, campaign_id=odd)
    lab.hand_in(2, run_id="Run", cohort_id="one")
    lab.hand_in(3, run_id="run", cohort_id="two")
    lab.evaluate()
    assert {run["run_id"] for run in lab.overview(DAY).runs} == {odd, "Run", "run"}
    assert lab.verdict(odd)["summary"]["status"] == "pass"
    assert lab.waiting() == []
