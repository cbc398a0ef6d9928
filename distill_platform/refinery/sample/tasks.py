"""The tasks of the sample: each has one prompt, and turns up in several streams on a few days."""

from collections.abc import Mapping
from dataclasses import dataclass

from distill_platform.refinery.sample import prose, vocabulary
from distill_platform.refinery.sample.benchmark import ITEMS
from distill_platform.refinery.sample.dice import Dice

DAYS = 7
ORPHANS = 8
"""So many tasks are known to extraction streams only: their records find no verdict to inherit."""
QUOTING = 4
"""So many tasks quote a question of the evaluation set in their prompt."""


@dataclass(frozen=True)
class Task:
    """A task with its identity, its prompt, the words its texts are about, and the days on which it is worked on."""

    task_id: str
    prompt: str
    subject: Mapping[str, str]
    days: tuple[int, ...]

    @property
    def file(self) -> str:
        """The path of the file the task is about."""
        return self.subject["file"]


def ordinary_tasks(seed: int) -> tuple[Task, ...]:
    """The tasks that recur across the streams, two days each."""
    tasks = []
    for number in range(len(vocabulary.SUBJECTS)):
        first = number % DAYS
        second = (first + 1 + number // DAYS % 3) % DAYS
        tasks.append(_task(seed, number, f"{100 + number}", (first, second)))
    return tuple(tasks)


def orphan_tasks(seed: int) -> tuple[Task, ...]:
    """Tasks that only extraction streams know."""
    return tuple(_task(seed, number * 7, f"{700 + number}", tuple(range(DAYS))) for number in range(ORPHANS))


def quoting_tasks(seed: int) -> tuple[Task, ...]:
    """Tasks whose prompt holds a question of the evaluation set, word for word."""
    tasks = []
    for number in range(QUOTING):
        plain = _task(seed, number * 11 + 3, f"{800 + number}", ())
        question = ITEMS[number * 5][0]
        asked = f"For the design notes of {plain.subject['component']}, answer the following. {question}"
        tasks.append(Task(plain.task_id, asked, plain.subject, ()))
    return tuple(tasks)


def leaking_task(seed: int, secret: str) -> Task:
    """A task whose prompt holds a (synthetic) secret."""
    plain = _task(seed, 29, "900", ())
    asked = f"{plain.prompt} For the staging gateway use the token {secret} until it is rotated."
    return Task(plain.task_id, asked, plain.subject, ())


def _task(seed: int, number: int, suffix: str, days: tuple[int, ...]) -> Task:
    component, concern, file, symbol = vocabulary.SUBJECTS[number % len(vocabulary.SUBJECTS)]
    subject = {"component": component, "concern": concern, "file": file, "symbol": symbol}
    text = prose.prompt(Dice(seed, "prompt", suffix), subject)
    return Task(f"{component}/{suffix}", text, subject, days)
