"""Evaluations with a known optimum, and a process that searches it: what the tests search."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from distill_platform.core.config import StrictModel
from distill_platform.models.search.coordinator import Searched, coordinate, run_search
from distill_platform.models.search.objective import Evaluate, ObjectiveSettings, TrialMeasure
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.settings import BatchSettings, PruningSettings
from distill_platform.models.search.space import Parameters, SearchSpace
from distill_platform.models.search.trials_file import TrialsFile
from distill_platform.models.search.workers import Done, Task, attempt

SPACE = SearchSpace.model_validate(
    {
        "parameters": {
            "depth": {"type": "int", "low": 1, "high": 12},
            "rate": {"type": "float", "low": 0.001, "high": 1.0, "log": True},
            "kind": {"type": "choice", "values": ["flat", "steep"]},
        }
    }
)


@dataclass(frozen=True)
class Valley:
    """Best at depth 7, rate 0.03, steep. Every look takes `delay_s`, more for some points than for others."""

    delay_s: float = 0.0
    lineage_id: str = "valley"
    searchable: frozenset[str] = frozenset({"depth", "rate", "kind"})

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        depth, rate = float(parameters["depth"]), float(parameters["rate"])
        time.sleep(self.delay_s * (1 + depth % 3))
        lost = (depth - 7) ** 2 / 50 + abs(rate - 0.03) + (parameters["kind"] == "flat") * 0.2
        return TrialMeasure(1.0 - lost - 0.001 * rung, 0.05 + 0.04 * depth, 0.0, 1.0)


def plan(trials: int = 24, batch_size: int = 6, *, seed: int = 3, rungs: int = 3, keep: float = 0.5) -> SearchPlan:
    return SearchPlan(
        SPACE,
        ObjectiveSettings(),
        PruningSettings(rungs=rungs, keep=keep),
        BatchSettings(trials=trials, batch_size=batch_size, startup_trials=6),
        seed,
        "valley",
    )


@dataclass
class Here:
    """Measures in this process, in an order of its own, and keeps what it looked at."""

    evaluate: Evaluate
    order: Random | None = None
    looks: list[tuple[int, int]] = field(default_factory=list)

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        shuffled = list(tasks)
        if self.order is not None:
            self.order.shuffle(shuffled)
        for task in shuffled:
            self.looks.append((task.number, task.rung))
            yield attempt(self.evaluate, task)


def search_here(path: Path, one: SearchPlan, here: Here) -> Searched:
    with TrialsFile.opened(path, one) as file:
        return coordinate(one, file, here)


class Asked(StrictModel):
    """What a searching process is told, as JSON."""

    file: str
    workers: int
    delay_s: float
    trials: int


def main(asked: Asked) -> Searched:
    return run_search(plan(asked.trials), Valley(asked.delay_s), Path(asked.file), asked.workers)


if __name__ == "__main__":
    sys.stdout.write(main(Asked.model_validate(json.loads(sys.argv[1]))).sha256)
