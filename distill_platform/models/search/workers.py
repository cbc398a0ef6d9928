"""Workers: processes that measure points, any of which may die at any time.

Each worker has a pipe of its own, so that when one dies it is known what it was working on. That is handed to a new
process once more; a point that takes two processes with it is at fault itself.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Protocol, Self

from distill_platform.core.errors import SearchError
from distill_platform.models.search.objective import Evaluate, TrialMeasure
from distill_platform.models.search.space import Parameters

_LIVES = 2
_JOIN_S = 5.0
_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """One point to measure at one rung, for the trial of this number."""

    number: int
    parameters: Parameters
    rung: int


@dataclass(frozen=True)
class Done:
    """What came of a task: a measure, or the reason why there is none.

    `message` says more of the reason, `seconds` how long it took and `lives` how many processes: none of them is the
    same every time.
    """

    task: Task
    measure: TrialMeasure | None
    reason: str | None
    message: str
    seconds: float
    lives: int = 1


class Measuring(Protocol):
    """Whatever can measure tasks."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task, in whatever order they end."""
        ...


def usual_count() -> int:
    """Return how many workers a search has unless told otherwise: all cores but two, at least one."""
    return max(1, len(os.sched_getaffinity(0)) - 2)


class WorkerPool:
    """Measures tasks on `count` processes, spawned when there is first something to do, gone with this one.

    Every worker computes on one thread: there are as many workers as there is room for, and sums come out the same.
    """

    def __init__(self, evaluate: Evaluate, count: int) -> None:
        self.count = max(1, count)
        self._evaluate = evaluate
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task, in the order in which they end.

        Raises SearchError when a worker cannot even start: no point is to blame for that.
        """
        waiting = deque((task, 1) for task in tasks)
        while waiting or self._busy:
            while waiting and len(self._busy) < self.count:
                self._hand(*waiting.popleft())
            heard = connection.wait([worker.pipe for worker in self._busy])
            for worker in [one for one in self._busy if one.pipe in heard]:
                if worker.greets():
                    continue
                self._busy.remove(worker)
                done = worker.take()
                if done is not None:
                    self._idle.append(worker)
                    yield done
                elif worker.life < _LIVES:
                    waiting.appendleft((worker.task, worker.life + 1))
                else:
                    yield Done(worker.task, None, "worker died", f"{_LIVES} processes died", 0.0, _LIVES)

    def close(self) -> None:
        """End the processes; what they are working on is lost."""
        for worker in [*self._idle, *self._busy]:
            worker.end()
        self._idle, self._busy = [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hand(self, task: Task, life: int) -> None:
        while True:
            worker = self._idle.pop() if self._idle else _Worker(self._evaluate)
            if worker.give(task, life):
                self._busy.append(worker)
                return
            worker.end()  # it died while it had nothing to do


class _Worker:
    """One process and our end of its pipe."""

    task: Task
    life: int

    def __init__(self, evaluate: Evaluate) -> None:
        self._is_ready = False
        self.pipe, theirs = get_context("spawn").Pipe()
        with _one_thread():
            self._process: SpawnProcess = get_context("spawn").Process(
                target=_serve, args=(theirs, evaluate), daemon=True
            )
            self._start()
        theirs.close()

    def _start(self) -> None:
        try:
            self._process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            message = f"the evaluation cannot be sent to a worker: {error}"
            hint = "Make it a value of a class that can be imported, and hold no open file or lock in it"
            raise SearchError(message, hint=hint) from None

    def give(self, task: Task, life: int) -> bool:
        """Return whether the worker took the task; False if it is dead."""
        self.task, self.life = task, life
        try:
            self.pipe.send(task)
        except OSError:
            return False
        return True

    def greets(self) -> bool:
        """Return whether what is heard is that it is ready, the first thing a worker says, and not what came of a task.

        Raises SearchError if it gave up before; one that was killed until then is like any other that died.
        """
        if self._is_ready:
            return False
        try:
            self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(_JOIN_S)
            if (self._process.exitcode or 0) <= 0:
                return False
            message = "a worker process could not start, so nothing was measured"
            hint = "Read what it wrote to the terminal; the evaluation must survive pickling"
            raise SearchError(message, hint=hint) from None
        self._is_ready = True
        return True

    def take(self) -> Done | None:
        """Return what came of the task; None if the worker died of it."""
        try:
            done: Done = self.pipe.recv()
        except (EOFError, OSError):
            self.end()
            return None
        return replace(done, lives=self.life)

    def end(self) -> None:
        """Kill the process and wait for it."""
        self.pipe.close()
        self._process.kill()
        self._process.join(_JOIN_S)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tell the numeric libraries of a process that is started here to use one thread; they read it when it starts."""
    before = {name: os.environ.get(name) for name in _LIBRARIES}
    os.environ.update(dict.fromkeys(_LIBRARIES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection, evaluate: Evaluate) -> None:
    """Measure what comes through the pipe until it closes. Ctrl-C is left to the coordinator."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        pipe.send(None)
        while True:
            pipe.send(attempt(evaluate, pipe.recv()))
    except (EOFError, OSError):  # nobody is there any more
        return


def _die_with_parent() -> None:
    """End this process at once when the coordinator is gone: nobody would read what it measures."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def attempt(evaluate: Evaluate, task: Task) -> Done:
    """Return what came of measuring a task in this process."""
    start = time.perf_counter()
    measure: TrialMeasure | None = None
    reason, message = None, ""
    try:
        measure = evaluate(dict(task.parameters), task.rung)
    except Exception as error:  # noqa: BLE001 - whatever a candidate sets off, the search goes on with the others
        reason, message = f"raised {type(error).__name__}", str(error)[:500]
    else:
        reason = _fault(measure)
    return Done(task, None if reason else measure, reason, message, time.perf_counter() - start)


def _fault(measure: object) -> str | None:
    if not isinstance(measure, TrialMeasure):
        return f"gave {type(measure).__name__}, no measure"
    return None if measure.is_sound else "measure is not finite, or out of its range"
