"""Evidence when things go wrong: killed at every step, two at once, a full disk; the next run mends it all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_platform.core.errors import CorruptDataset, LakeError, MissingDataset
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Lake
from distill_platform_tests.refinery.builders import DAY, NEXT_DAY, World, jsonl, row, tree

DAYS = (DAY, NEXT_DAY)
ROWS = [row(n, at=f"{DAYS[n % 2]}T01:00:00Z") for n in range(12)]
CONTENT = jsonl([*ROWS, ROWS[0], b"{", row(1, at="noon"), row(2, run="")])
ROOT = str(Path(__file__).parents[2])


class PulledPlug(BaseException):
    """What a test raises where a process would have died."""


def world_in(folder: Path) -> World:
    world = World(folder)
    world.stream()
    world.file("reviews.jsonl", CONTENT)
    return world


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a lake that nobody disturbed."""
    world = world_in(tmp_path_factory.mktemp("undisturbed"))
    world.evidence(*DAYS)
    return tree(world.lake)


def steps_of(folder: Path) -> list[str]:
    steps: list[str] = []
    world_in(folder).evidence(*DAYS, on_step=steps.append)
    return steps


def nothing_half_written_is_readable(world: World) -> None:
    for day in (*DAYS, "undated"):
        try:
            opened = Lake(world.lake).open("evidence", day)
        except MissingDataset:
            continue
        for table, entry in opened.manifest.tables.items():
            found = opened.read(table)
            assert entry.rows == (found.num_rows if found is not None else 0)


def test_a_run_cut_off_at_any_step_of_any_write_and_run_again_gives_undisturbed_bytes(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    steps = steps_of(tmp_path / "steps")
    assert len(steps) >= 20
    for number in range(len(steps)):
        world = world_in(tmp_path / str(number))
        left = iter(range(number + 1))

        def pull(step: str, left: Iterator[int] = left, number: int = number) -> None:
            if next(left) == number:
                raise PulledPlug(step)

        with pytest.raises(PulledPlug):
            world.evidence(*DAYS, on_step=pull)
        nothing_half_written_is_readable(world)
        world.evidence(*DAYS)
        assert tree(world.lake) == undisturbed, steps[number]


KILLED = """
import os, sys
from pathlib import Path
from distill_platform_tests.refinery.builders import World
left = iter(range(int(sys.argv[2]) + 1))
def pull(step):
    if next(left) == int(sys.argv[2]):
        os._exit(9)
World(Path(sys.argv[1])).evidence(*sys.argv[3:], on_step=pull)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": ROOT}, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str], code: int = 0) -> None:
    _, error = process.communicate(timeout=120)
    assert process.returncode == code, error[-2_000:]


@pytest.mark.slow
def test_a_process_killed_at_any_step_and_run_again_gives_undisturbed_bytes(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    for number, step in enumerate(steps_of(tmp_path / "steps")):
        world = world_in(tmp_path / str(number))
        finished(start(KILLED, world.root, number, *DAYS), 9)
        nothing_half_written_is_readable(world)
        world.evidence(*DAYS)
        assert tree(world.lake) == undisturbed, step


def test_a_process_killed_at_the_manifest_leaves_nothing_behind_after_the_next_run(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    number = steps_of(tmp_path / "steps").index("written MANIFEST.json")
    world = world_in(tmp_path / "killed")
    finished(start(KILLED, world.root, number, *DAYS), 9)
    nothing_half_written_is_readable(world)
    world.evidence(*DAYS)
    assert tree(world.lake) == undisturbed


def test_a_run_cut_off_between_its_writes_and_run_again_gives_undisturbed_bytes(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    for number in range(100):
        world = world_in(tmp_path / str(number))
        left = iter(range(number + 1))

        def pull(stage: str, done: int, total: int, left: Iterator[int] = left, number: int = number) -> None:
            if next(left) == number:
                raise PulledPlug(stage)

        with world.refinery() as opened:
            refinery = Refinery(opened.settings, opened.lake, opened.workers, opened.now, pull)
            try:
                build_evidence(refinery, DAYS)
            except PulledPlug:
                nothing_half_written_is_readable(world)
                world.evidence(*DAYS)
                assert tree(world.lake) == undisturbed
            else:
                assert number > 3
                return


def test_a_run_over_an_older_lake_cut_off_at_any_step_leaves_each_day_old_or_new(tmp_path: Path) -> None:
    steps = steps_of(tmp_path / "steps")
    other = jsonl([row(n, at=f"{DAYS[n % 2]}T02:00:00Z") for n in range(6)])
    for number in range(0, len(steps), 3):
        world = World(tmp_path / str(number))
        world.stream()
        world.file("reviews.jsonl", other)
        old = {day: manifest.version for day, manifest in world.evidence(*DAYS).items()}
        world.file("reviews.jsonl", CONTENT)
        left = iter(range(number + 1))

        def pull(step: str, left: Iterator[int] = left, number: int = number) -> None:
            if next(left) == number:
                raise PulledPlug(step)

        with pytest.raises(PulledPlug):
            world.evidence(*DAYS, on_step=pull)
        after = {day: Lake(world.lake).open("evidence", day).manifest.version for day in (*DAYS, "undated")}
        new = {day: manifest.version for day, manifest in world.evidence(*DAYS).items()}
        assert all(version in (old[day], new[day]) for day, version in after.items())


def test_a_tampered_lake_is_healed_by_the_next_run(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    world = world_in(tmp_path)
    world.evidence(*DAYS)
    for path in [path for path in world.lake.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(CorruptDataset):
            Lake(world.lake).open("evidence", path.relative_to(world.lake).parts[1])
        world.evidence(*DAYS)
        assert tree(world.lake) == undisturbed


RACING = """
import sys
from pathlib import Path
from distill_platform_tests.refinery.builders import World
world = World(Path(sys.argv[1]))
for _ in range(8):
    assert all(manifest.passed for manifest in world.evidence(*sys.argv[2:]).values())
"""


def test_two_processes_on_the_same_partitions_give_undisturbed_bytes(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    world = world_in(tmp_path)
    world.settings()
    for process in [start(RACING, world.root, *DAYS) for _ in range(2)]:
        finished(process)
    assert tree(world.lake) == undisturbed


FULL = """
import resource, sys
from pathlib import Path
from distill_platform.core.errors import LakeError
from distill_platform_tests.refinery.builders import World
world = World(Path(sys.argv[1]))
with world.refinery(workers=int(sys.argv[3])) as refinery:
    from distill_platform.refinery.evidence import build_evidence
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        build_evidence(refinery, ["2026-04-20"])
    except LakeError as error:
        assert "disk is full" in str(error) and "Free space and run again" in str(error), str(error)
        sys.exit(3)
"""


@pytest.mark.parametrize(("allowed", "workers"), [(0, 1), (3_000, 1), (60_000, 1), (60_000, 2)])
def test_a_full_disk_is_a_clear_error_and_the_old_state_stays(tmp_path: Path, allowed: int, workers: int) -> None:
    world = world_in(tmp_path)
    world.evidence(*DAYS)
    before = tree(world.lake)
    world.file("reviews.jsonl", [row(n, text=f"{n} " + os.urandom(500).hex()) for n in range(600)])
    finished(start(FULL, world.root, allowed, workers), 3)
    assert tree(world.lake) == before
    nothing_half_written_is_readable(world)


def test_a_lake_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    world = world_in(tmp_path)
    world.lake.write_bytes(b"")
    with pytest.raises(LakeError, match="could not be written"):
        world.evidence(*DAYS)
