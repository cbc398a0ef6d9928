"""Evaluations with a known optimum, and a process that searches it: what the tests search."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from distill_platform.core.config import StrictModel
from distill_platform.models.search.coordinator import Searched, run_search
from distill_platform.models.search.objective import ObjectiveSettings, TrialMeasure
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.settings import BatchSettings, PruningSettings
from distill_platform.models.search.space import Parameters, SearchSpace

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


class Asked(StrictModel):
    """What a searching process is told, as JSON."""

    file: str
    workers: int
    delay_s: float
    trials: int


def main(asked: Asked) -> Searched:
    return run_search(plan(asked.trials), Valley(asked.delay_s), Path(asked.file), asked.workers)


if __name__ == "__main__":
    print(main(Asked.model_validate(json.loads(sys.argv[1]))).sha256)
