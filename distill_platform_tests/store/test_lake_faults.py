"""The lake when things go wrong: killed processes, several at once, a full disk, a read-only disk."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_platform.core.errors import LakeError
from distill_platform.store.lake import Lake
from distill_platform.store.lake.atomic import replace_file
from distill_platform_tests.store.test_lake import DAY, publish

ROOT = str(Path(__file__).parents[2])
PRELUDE = """
import os, resource, sys, time
from pathlib import Path
from distill_platform.core.errors import LakeError
from distill_platform.store.lake import Lake
from distill_platform.store.lake.atomic import replace_file
from distill_platform_tests.store.test_lake import DAY, publish
root = Path(sys.argv[1])
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PRELUDE + code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": ROOT}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str], code: int = 0) -> str:
    out, error = process.communicate(timeout=60)
    assert process.returncode == code, error[-2_000:]
    return out


def content(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


class PulledPlug(BaseException):
    """What a test raises where a process would have died."""


def steps_of(root: Path, values: list[int]) -> list[str]:
    steps: list[str] = []
    publish(Lake(root, on_step=steps.append), values)
    return steps


@pytest.mark.parametrize("before", [None, [9, 9]])
def test_a_publication_cut_off_at_any_step_is_completed_by_the_next(tmp_path: Path, before: list[int] | None) -> None:
    steps = steps_of(tmp_path / "steps", [1, 2, 3])
    assert len(steps) >= 6
    clean = tmp_path / "clean"
    for values in filter(None, (before, [1, 2, 3])):
        publish(Lake(clean), values)
    for number in range(len(steps)):
        root = tmp_path / str(number)
        if before is not None:
            publish(Lake(root), before)
        left = iter(range(number + 1))

        def pull(step: str, left: Iterator[int] = left, number: int = number) -> None:
            if next(left) == number:
                raise PulledPlug(step)

        with pytest.raises(PulledPlug):
            publish(Lake(root, on_step=pull), [1, 2, 3])
        manifest = Lake(root).manifest("rows", DAY)
        if manifest is not None:
            assert Lake(root).open("rows", DAY).read("t") is not None
        publish(Lake(root), [1, 2, 3])
        assert content(root) == content(clean)


KILLED = """
left = iter(range(int(sys.argv[2]) + 1))
def pull(step):
    if next(left) == int(sys.argv[2]):
        os._exit(9)
publish(Lake(root, on_step=pull), [1, 2, 3])
"""


@pytest.mark.slow
def test_a_process_killed_at_any_step_leaves_nothing_behind_after_the_next_run(tmp_path: Path) -> None:
    steps = steps_of(tmp_path / "clean", [1, 2, 3])
    for number in range(len(steps)):
        root = tmp_path / str(number)
        finished(start(KILLED, root, number), 9)
        publish(Lake(root), [1, 2, 3])
        assert content(root) == content(tmp_path / "clean")


def test_a_process_killed_while_it_writes_the_manifest_leaves_nothing_behind_after_the_next_run(tmp_path: Path) -> None:
    steps = steps_of(tmp_path / "clean", [1, 2, 3])
    root = tmp_path / "killed"
    finished(start(KILLED, root, steps.index("written MANIFEST.json")), 9)
    left = [path.name for path in root.rglob("*.tmp")]
    assert len(left) == 1
    assert Lake(root).manifest("rows", DAY) is None
    publish(Lake(root), [1, 2, 3])
    assert content(root) == content(tmp_path / "clean")


SLEEPING = """
with Lake(root).draft("rows", DAY) as draft:
    draft.part_path("t", 0).write_bytes(b"half")
    print(draft.folder, flush=True)
    time.sleep(60)
"""


def test_scratch_of_a_living_process_is_left_alone_and_of_a_killed_one_is_swept(tmp_path: Path) -> None:
    process = start(SLEEPING, tmp_path)
    try:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        publish(Lake(tmp_path), [1])
        assert (folder / "t" / "part-00000.parquet").read_bytes() == b"half"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert folder.exists()
        publish(Lake(tmp_path), [2])
        assert list((tmp_path / ".staging").iterdir()) == []
    finally:
        process.kill()
        process.communicate()


RACING = """
lake = Lake(root)
for number in range(int(sys.argv[2])):
    values = [number // 2, int(sys.argv[3]) * (number % 2)]
    publish(lake, values)
    table = Lake(root).open("rows", DAY).read("t")
    assert table is not None and table.num_rows == 2
    replace_file(root / "shared.json", b"x" * 100_000)
    assert len((root / "shared.json").read_bytes()) == 100_000
"""


def test_processes_that_publish_the_same_partition_at_once_never_disturb_each_other(tmp_path: Path) -> None:
    for process in [start(RACING, tmp_path, 30, number) for number in (1, 2)]:
        finished(process)
    assert Lake(tmp_path).open("rows", DAY).manifest.passed
    assert list(tmp_path.rglob("*.tmp")) == []
    assert list((tmp_path / ".staging").iterdir()) == []


FULL = """
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    publish(Lake(root), list(range(200_000)))
except LakeError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("allowed", [0, 100, 50_000, 400_000])
def test_a_file_that_may_not_grow_is_a_clear_error_and_the_old_state_stays(tmp_path: Path, allowed: int) -> None:
    publish(Lake(tmp_path), [1])
    before = content(tmp_path)
    said = finished(start(FULL, tmp_path, allowed))
    assert said.startswith("LakeError the disk is full")
    assert "Free space and run again; nothing half-written was published" in said
    assert content(tmp_path) == before
    assert Lake(tmp_path).open("rows", DAY).manifest.tables["t"].rows == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=40", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def test_a_full_disk_is_a_clear_error_and_the_old_state_stays(small_disk: Path) -> None:
    publish(Lake(small_disk), [1])
    before = content(small_disk)
    with pytest.raises(LakeError, match=r"disk is full.*Free space and run again"):
        publish(Lake(small_disk), list(range(1_000_000)))
    assert content(small_disk) == before
    assert Lake(small_disk).open("rows", DAY).manifest.tables["t"].rows == 1


def test_a_disk_without_room_for_one_more_file_is_a_clear_error(small_disk: Path) -> None:
    publish(Lake(small_disk), [1])
    before = content(small_disk)
    with pytest.raises(LakeError, match="disk is full"):
        publish(Lake(small_disk), list(range(100)), parts=100)
    assert content(small_disk) == before


def test_a_read_only_disk_is_a_clear_error_and_can_still_be_read(small_disk: Path) -> None:
    publish(Lake(small_disk), [1])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(LakeError, match="could not be written: Read-only file system"):
        publish(Lake(small_disk), [2])
    assert Lake(small_disk).open("rows", DAY).manifest.tables["t"].rows == 1


def test_a_replaced_file_is_always_whole(tmp_path: Path) -> None:
    process = start("for n in range(10_000): replace_file(root / 'f', bytes([65 + n % 2]) * 50_000)", tmp_path)
    try:
        seen = set()
        deadline = time.monotonic() + 20
        while len(seen) < 2 and time.monotonic() < deadline:
            if (tmp_path / "f").exists():
                data = (tmp_path / "f").read_bytes()
                assert len(data) == 50_000
                assert len(set(data)) == 1
                seen.add(data[:1])
        assert seen == {b"A", b"B"}
    finally:
        process.kill()
        process.communicate()
    replace_file(tmp_path / "f", b"last")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
