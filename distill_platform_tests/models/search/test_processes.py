"""Real processes, killed: the same list for any number of workers, whoever dies and whenever."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson
import psutil
import pytest

from distill_platform.core.errors import SearchError
from distill_platform.models.search.coordinator import run_search
from distill_platform.models.search.objective import TrialMeasure
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.trial import TrialState
from distill_platform.models.search.workers import Task, WorkerPool
from distill_platform_tests.models.search.valley import Here, Valley, plan, search_here

ROOT = Path(__file__).parents[3]
TRIALS = 24
Process = subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The list that one process makes which nobody disturbs."""
    path = tmp_path_factory.mktemp("search") / "trials.jsonl"
    search_here(path, plan(TRIALS), Here(Valley()))
    return path.read_bytes()


def start(file: Path, workers: int, delay_s: float = 0.01) -> Process:
    asked = {"file": str(file), "workers": workers, "delay_s": delay_s, "trials": TRIALS}
    command = [sys.executable, "-m", "distill_platform_tests.models.search.valley", json.dumps(asked)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)


def finish(process: Process) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.decode()


def workers_of(process: Process) -> list[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children()
        return [child for child in children if any("spawn_main" in word for word in child.cmdline())]
    except psutil.Error:
        return []


def lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True) if file.exists() else []


def notes(file: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in lines(file.with_suffix(".notes.jsonl"))]


def wait_for(condition: Callable[[], object], limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def killed_when(file: Path, workers: int, condition: Callable[[], object]) -> None:
    """Start a search, kill its coordinator with all it has in its hands, and wait for its workers to be gone."""
    process = start(file, workers)
    wait_for(lambda: condition() or process.poll() is not None)
    children = workers_of(process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), limit_s=10)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_list_is_the_same_for_any_number_of_workers(workers: int, wanted: bytes, tmp_path: Path) -> None:
    run_search(plan(TRIALS), Valley(0.001), tmp_path / "trials.jsonl", workers)
    assert (tmp_path / "trials.jsonl").read_bytes() == wanted


def test_the_list_is_the_same_after_the_coordinator_was_killed(wanted: bytes, tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    for count in (2, 9):
        killed_when(file, 2, lambda count=count: len(lines(file)) > count)
        on_file = {line for line in lines(file) if line.endswith(b"\n")}
        assert on_file <= set(wanted.splitlines(keepends=True))
    finish(start(file, 1))
    assert file.read_bytes() == wanted


def test_the_list_is_the_same_after_a_worker_was_killed(wanted: bytes, tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    process = start(file, 2, delay_s=0.03)
    for count in (3, 12):
        wait_for(lambda count=count: len(lines(file)) > count and workers_of(process))
        workers_of(process)[0].kill()
    finish(process)
    assert file.read_bytes() == wanted
    assert {note["lives"] for note in notes(file)} <= {1, 2}


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_all_that_start_at_once_do_the_work_of_one(count: int, wanted: bytes, tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    said = {finish(process) for process in [start(file, 1, delay_s=0.001) for _ in range(count)]}
    assert len(said) == 1
    assert file.read_bytes() == wanted
    looks = Counter((note["number"], note["rung"]) for note in notes(file))
    assert set(looks.values()) == {1}, "a point was measured by two of them"


@dataclass(frozen=True)
class Poisoned(Valley):
    """Takes its process with it where the depth is even."""

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        if float(parameters["depth"]) % 2 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(parameters, rung)


def test_a_point_that_kills_its_worker_twice_has_failed_and_the_others_go_on(tmp_path: Path) -> None:
    found = run_search(plan(4, 4, rungs=1), Poisoned(), tmp_path / "trials.jsonl", 2)
    failed = {trial.number for trial in found.trials if trial.state is TrialState.FAILED}
    assert failed == {trial.number for trial in found.trials if trial.parameters["depth"] % 2 == 0}
    assert {trial.reason for trial in found.trials} == {None, "worker died"}
    assert len(found.trials) == 4


@dataclass(frozen=True)
class Unlucky(Valley):
    """Takes its process with it the first time only."""

    folder: str = ""

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        mark = Path(self.folder) / f"{parameters['depth']}-{rung}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(parameters, rung)


def test_what_a_worker_died_of_once_is_run_again_and_counts(tmp_path: Path) -> None:
    tasks = [Task(number, {"depth": number, "rate": 0.03, "kind": "flat"}, 0) for number in range(1, 3)]
    with WorkerPool(Unlucky(folder=str(tmp_path)), 2) as pool:
        done = list(pool.run(tasks))
    assert {one.task.number for one in done} == {1, 2}
    assert {(one.reason, one.lives) for one in done} == {(None, 2)}


@dataclass(frozen=True)
class Unpackable(Valley):
    """Cannot be unpickled in another process."""

    def __setstate__(self, state: object) -> None:
        raise ImportError("there is no such module here")


def test_a_search_whose_workers_cannot_start_stops_and_blames_no_point(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="could not start"):
        run_search(plan(TRIALS), Unpackable(), tmp_path / "trials.jsonl", 2)
    assert len(lines(tmp_path / "trials.jsonl")) == 1, "only the header"


def test_workers_are_gone_with_their_pool() -> None:
    with WorkerPool(Valley(), 2) as pool:
        list(pool.run([Task(0, {"depth": 1, "rate": 0.1, "kind": "flat"}, 0)]))
        children = [one for one in psutil.Process().children() if any("spawn_main" in word for word in one.cmdline())]
        assert children
    assert not any(child.is_running() for child in children)


@dataclass(frozen=True)
class Threads(Valley):
    """Measures how many threads the numeric libraries were told to use."""

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        return TrialMeasure(float(os.environ["OMP_NUM_THREADS"]), 0.1, 0.0, 1.0)


def test_a_worker_computes_on_one_thread_and_its_coordinator_is_left_as_it_was() -> None:
    before = dict(os.environ)
    with WorkerPool(Threads(), 1) as pool:
        (done,) = pool.run([Task(0, {"depth": 1}, 0)])
    assert done.measure is not None
    assert done.measure.pnl_after_cost == 1
    assert dict(os.environ) == before


@pytest.mark.slow
@pytest.mark.parametrize("count", range(TRIALS + 2))
def test_the_list_is_the_same_when_killed_at_any_line(count: int, wanted: bytes, tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    killed_when(file, 1 + count % 3, lambda: len(lines(file)) >= count)
    finish(start(file, 2, delay_s=0.001))
    assert file.read_bytes() == wanted


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_the_list_is_the_same_when_killed_at_random_again_and_again(seed: int, wanted: bytes, tmp_path: Path) -> None:
    file, random = tmp_path / "trials.jsonl", Random(seed)
    for _ in range(6):
        end = time.monotonic() + random.uniform(0.2, 3.0)
        killed_when(file, random.choice([1, 2, 4]), lambda end=end: time.monotonic() > end)
    finish(start(file, 2, delay_s=0.001))
    assert file.read_bytes() == wanted


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_list_is_the_same_when_a_worker_is_killed_at_any_moment(seed: int, wanted: bytes, tmp_path: Path) -> None:
    file, random = tmp_path / "trials.jsonl", Random(seed)
    process = start(file, 2, delay_s=0.03)
    wait_for(lambda: workers_of(process))
    time.sleep(random.uniform(0.0, 1.5))
    for child in workers_of(process)[:1]:
        child.kill()
    finish(process)
    assert file.read_bytes() == wanted
