"""Workers: one function over many tasks, on one or several processes, always in the order of the tasks."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar

from distill_platform.core.errors import DistillError

# Allocators give freed pages back to the system, and every batch faults them in again: a fifth of all CPU time. Arrow's
# and the C library's read these when a process starts, so only the workers keep what they once had.
_KEEP_MEMORY = {
    "MIMALLOC_PURGE_DELAY": "-1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}
_OBJECTS_BETWEEN_COLLECTIONS = 200_000

Task = TypeVar("Task")
Result = TypeVar("Result")


class Workers:
    """Runs tasks on `count` processes; with one, everything happens in the caller's process.

    Results come in task order whatever the number of workers, and at most a few tasks per worker are in flight, so
    that memory does not grow with the number of tasks. Processes are spawned, never forked: numba and Arrow hold
    threads that do not survive a fork.
    """

    def __init__(self, count: int = 1) -> None:
        self.count = max(1, count)
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield `function(task)` for every task, in order; the first exception ends it.

        Raises DistillError when the system kills a worker process; a later call starts new ones.
        """
        if self.count == 1:
            yield from map(function, tasks)
            return
        waiting: deque[Future[Result]] = deque()
        pool = self._started()
        try:
            for task in tasks:
                waiting.append(pool.submit(function, task))
                if len(waiting) >= 2 * self.count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            self.close()
            hint = "Give the machine more memory, or set fewer workers, and run again"
            raise DistillError("a worker process died before its task was done", hint=hint) from None
        finally:
            for future in waiting:
                future.cancel()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            for name, value in _KEEP_MEMORY.items():
                os.environ.setdefault(name, value)
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(max_workers=self.count, mp_context=context, initializer=_prepare)
        return self._pool

    def close(self) -> None:
        """Stop the processes; a later `map` starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _prepare() -> None:
    """Make a worker of this process.

    Ctrl-C, which a terminal sends to all processes, is left to the one that started it. Garbage is looked for more
    rarely: a batch makes many objects and hardly a cycle, and the collector would walk them all again and again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
