"""Progress: bars on a terminal, one line per finished step anywhere else; always on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bars:
    """Shows how far each step of a run is; `show` is what the refinery calls."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[str, TaskID] = {}
        self._finished: set[str] = set()
        columns = (TextColumn("{task.description:<22}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console) if console.is_terminal else None

    def show(self, step: str, done: int, total: int) -> None:
        """Say that `done` of `total` parts of a step are done."""
        if self._progress is not None:
            if step not in self._steps:
                self._steps[step] = self._progress.add_task(step, total=total)
            self._progress.update(self._steps[step], completed=done, total=total)
        elif done >= total and step not in self._finished:
            self._finished.add(step)
            self._console.print(f"{step}: {done} of {total}")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
