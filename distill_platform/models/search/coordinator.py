"""Coordinator: asks for a batch of points, has them measured, writes each trial down as it ends, tells the sampler.

Nothing here depends on which worker is faster or on how often the search was killed: points depend on the batches
before, pruning on the values of the batch, and a trial that is on file is not run again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from distill_platform.core import canon
from distill_platform.core.errors import SearchError
from distill_platform.models.search.batch import Batch, Known, Point, point_of
from distill_platform.models.search.objective import Evaluate
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.pruning import Work, work
from distill_platform.models.search.sampling import Sampling
from distill_platform.models.search.trial import Trial
from distill_platform.models.search.trials_file import TrialsFile, to_bytes
from distill_platform.models.search.workers import Measuring, WorkerPool


@dataclass(frozen=True)
class Searched:
    """All trials of a search, in the order of their numbers."""

    plan: SearchPlan
    trials: tuple[Trial, ...] = field(repr=False)

    @property
    def sha256(self) -> str:
        """Return the hash of the whole list, the same for any number of workers and after any kill."""
        return canon.sha256_hex(to_bytes(self.plan, self.trials))

    @property
    def work(self) -> Work:
        """Return how much was measured and how much pruning saved."""
        return work(self.trials, self.plan.pruning.rungs)


def best(trials: Iterable[Trial], count: int) -> list[tuple[Trial, float]]:
    """Return the best trials with their values: on the last rung, within every limit, best first, no point twice."""
    points: dict[Point, tuple[Trial, float]] = {}
    for trial in trials:
        if trial.is_eligible and trial.value is not None:
            points.setdefault(point_of(trial.parameters), (trial, trial.value))
    return sorted(points.values(), key=lambda found: (-found[1], found[0].number))[:count]


def run_search(plan: SearchPlan, evaluate: Evaluate, file: Path, workers: int) -> Searched:
    """Return the finished search: what is on file already, and what was missing, now measured and on file as well.

    Processes that start at the same time wait for each other; all return the same trials.
    Raises SearchError for the file of another search or an evaluation of another lineage, ConfigError for a space that
    names what the evaluation does not let a search choose, TrialError for a damaged file, LakeError for a full disk.
    """
    plan.space.refuse_undeclared(evaluate.searchable)
    if plan.lineage_id != evaluate.lineage_id:
        raise SearchError("the plan is for another evaluation", hint="Make the plan with the evaluation's lineage_id")
    with TrialsFile.opened(file, plan) as trials, WorkerPool(evaluate, workers) as pool:
        return coordinate(plan, trials, pool)


def coordinate(plan: SearchPlan, file: TrialsFile, measuring: Measuring) -> Searched:
    """Return the finished search, whatever does the measuring."""
    sampling = Sampling(plan)
    known = Known(file.trials.values())
    for batch in range(plan.n_batches):
        sampling.tell(Batch(plan, file, known, sampling.ask(batch)).run(measuring))
    file.settle()
    return Searched(plan, tuple(file.trials[number] for number in sorted(file.trials)))
