"""Sampling: which points to try next, by a tree-structured Parzen estimator (Bergstra et al. 2011; Optuna).

The sampler is seeded anew for every batch, by the seed of the search and the number of the batch, and trials are told
in the order of their numbers. So what it asks for depends on the trials before the batch and on nothing else. A search
that goes on asks for all of its points again; that they come out as they are written proves that it is the same search.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from distill_platform.core.errors import SearchError
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.trial import Trial, TrialState

if TYPE_CHECKING:
    import optuna


class Sampling:
    """A study in memory; nobody else sees it, so nothing can be told to it twice or in another order."""

    def __init__(self, plan: SearchPlan) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._plan = plan
        self._distributions = plan.space.distributions()
        self._study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
        self._asked: dict[int, optuna.Trial] = {}
        for start in plan.starts[: plan.batches.trials]:
            self._study.enqueue_trial(dict(start))

    def ask(self, batch: int) -> dict[int, Parameters]:
        """Return the points of a batch by the numbers of their trials; those of the batches before were told."""
        import optuna

        words = np.random.SeedSequence([self._plan.seed, batch]).generate_state(1)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=int(words[0]), n_startup_trials=self._plan.batches.startup_trials
        )
        self._asked = {number: self._study.ask(self._distributions) for number in self._plan.numbers_of(batch)}
        if any(number != trial.number for number, trial in self._asked.items()):
            raise SearchError("the sampler numbers trials in another way than the plan does")
        return {number: dict(trial.params) for number, trial in self._asked.items()}

    def tell(self, trials: Iterable[Trial]) -> None:
        """Take in what became of the batch that was asked for last, given in the order of numbers."""
        for trial in trials:
            self._tell(self._asked.pop(trial.number), trial)

    def _tell(self, asked: optuna.Trial, trial: Trial) -> None:
        from optuna.trial import TrialState as Told

        for name, excess in (trial.constraints or {}).items():
            asked.set_constraint(name, excess)
        if trial.state is TrialState.FAILED:
            self._study.tell(asked, state=Told.FAIL)
        elif trial.state is TrialState.PRUNED:
            for rung, measured in enumerate(trial.rungs):
                asked.report(self._plan.objective.value(measured.measure()), rung)
            self._study.tell(asked, state=Told.PRUNED)
        else:
            self._study.tell(asked, trial.value)
