"""Stages: a wide and cheap search, and a closer one around its best, whose finalists are confirmed once elsewhere.

Each stage leaves a file of trials, and hands candidates on as values with the hash of that file. The next stage picks
the candidates anew from the file itself, so that none comes in by another door; trials of all stages are counted, the
pruned and the failed ones too. The confirmation searches nothing: it looks at finalists that are settled by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from distill_platform.core import canon
from distill_platform.core.errors import SearchError
from distill_platform.models.search.batch import Point, point_of
from distill_platform.models.search.coordinator import Searched, best, run_search
from distill_platform.models.search.objective import Evaluate
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.settings import SearchSettings
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.trial import Trial, TrialState
from distill_platform.models.search.trials_file import read_trials


class SearchStage(StrEnum):
    """The stages that search, in order."""

    SEARCH = "search"
    REFINEMENT = "refinement"


@dataclass(frozen=True)
class Candidate:
    """A point that is handed on; `rank` 1 is the best, and `trials` are the numbers of all trials that tried it."""

    parameters: Parameters
    value: float
    rank: int
    trials: tuple[int, ...]

    @cached_property
    def sha256(self) -> str:
        """Return the hash of its parameters: the same point is the same candidate in every stage."""
        return canon.sig_hash(self.parameters)

    def to_body(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {"parameters": self.parameters, "value": self.value, "rank": self.rank, "trials": list(self.trials)}


@dataclass(frozen=True)
class Handover:
    """What a stage hands to the next: candidates, best first, and the hash of all the trials that they come from.

    `n_trials` counts the trials of this stage and of all before it. `parent_sha256` is the handover that the stage
    itself began with, None for the first.
    """

    stage: SearchStage
    candidates: tuple[Candidate, ...]
    trials_sha256: str
    n_trials: int
    parent_sha256: str | None

    @cached_property
    def sha256(self) -> str:
        """Return the hash of all of it."""
        return canon.sig_hash(self.to_body())

    def to_body(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "stage": self.stage.value,
            "candidates": [candidate.to_body() for candidate in self.candidates],
            "trials_sha256": self.trials_sha256,
            "n_trials": self.n_trials,
            "parent_sha256": self.parent_sha256,
        }

    @classmethod
    def from_body(cls, body: dict[str, Any]) -> Self:
        """Return the handover that a JSON value holds; SearchError for anything that `to_body` does not write."""
        try:
            candidates = tuple(
                Candidate(one["parameters"], one["value"], one["rank"], tuple(one["trials"]))
                for one in body["candidates"]
            )
            read = cls(
                SearchStage(body["stage"]), candidates, body["trials_sha256"], body["n_trials"], body["parent_sha256"]
            )
        except (KeyError, TypeError, ValueError):
            raise SearchError("not a handover between stages of a search") from None
        if read.to_body() != body:
            raise SearchError("not a handover between stages of a search: it says more than one does")
        return read


@dataclass(frozen=True)
class Stages:
    """The stages of one search in one folder, `workers` processes at a time."""

    settings: SearchSettings
    folder: Path
    workers: int

    def search(self, evaluate: Evaluate) -> Handover:
        """Return the best candidates of the whole space, none where no trial ended within every limit.

        Errors: those of `run_search`.
        """
        searched = self._run(SearchStage.SEARCH, self._search_plan(evaluate.lineage_id), evaluate)
        return _handover(SearchStage.SEARCH, searched.trials, self.settings.candidates, None)

    def refine(self, handed: Handover, evaluate: Evaluate) -> Handover:
        """Return the finalists: the candidates tried again, on more data, along with points around them.

        Nothing is tried around no candidates. Raises SearchError for candidates that the search in this folder did not
        find, besides what `search` raises.
        """
        self._refuse_strangers(handed, SearchStage.SEARCH)
        if not handed.candidates:
            return _handover(SearchStage.REFINEMENT, (), self.settings.finalists, handed)
        searched = self._run(SearchStage.REFINEMENT, self._refinement_plan(handed, evaluate.lineage_id), evaluate)
        return _handover(SearchStage.REFINEMENT, searched.trials, self.settings.finalists, handed)

    def finalists(self, handed: Handover) -> tuple[Candidate, ...]:
        """Return whom the refinement settled on, best first: they are looked at once, and nothing is searched any more.

        Raises SearchError for finalists that the refinement in this folder did not find.
        """
        self._refuse_strangers(handed, SearchStage.REFINEMENT)
        return handed.candidates

    def file(self, stage: SearchStage) -> Path:
        """Return the file of a stage's trials."""
        return self.folder / f"{stage.value}.jsonl"

    def trials(self, stage: SearchStage) -> tuple[Trial, ...]:
        """Return the trials of a finished stage, none for a refinement of nothing. Errors: `handed_on`."""
        if stage is SearchStage.REFINEMENT and not self.handed_on(SearchStage.SEARCH).candidates:
            return ()
        return tuple(read_trials(self.file(stage))[1])

    def _run(self, stage: SearchStage, plan: SearchPlan, evaluate: Evaluate) -> Searched:
        return run_search(plan, evaluate, self.file(stage), self.workers)

    def _search_plan(self, lineage_id: str) -> SearchPlan:
        one = self.settings
        return SearchPlan(one.space, one.objective, one.pruning, one.search, one.seed, lineage_id)

    def _refinement_plan(self, handed: Handover, lineage_id: str) -> SearchPlan:
        one, points = self.settings, _points(handed)
        space = one.space.around(points, one.margin)
        return SearchPlan(
            space, one.objective, one.pruning, one.refinement, one.seed, lineage_id, points, handed.sha256
        )

    def _refuse_strangers(self, handed: Handover, stage: SearchStage) -> None:
        if handed != self.handed_on(stage):
            message = f"{self.file(stage)}: these candidates are not what the {stage} stage handed on"
            raise SearchError(message, hint=f"Run the {stage} stage in this folder and hand on what it returns")

    def _refuse_forged(self, stage: SearchStage, trials: Sequence[Trial]) -> None:
        """Refuse a trial that is not worth what its own measures say, or that ended before its last rung."""
        one = self.settings
        for trial in trials:
            measures = [rung.measure() for rung in trial.rungs]
            told = trial.value, trial.constraints
            worth = (one.objective.value(measures[-1]), one.objective.constraints(measures[-1])) if measures else told
            is_cut_short = trial.state is TrialState.FINISHED and len(measures) != one.pruning.rungs
            if is_cut_short or (trial.state is not TrialState.FAILED and told != worth):
                message = f"{self.file(stage)}: trial {trial.number} is not worth what its measures say"
                raise SearchError(message, hint=f"Run the {stage} stage again, by the same settings, in a new folder")

    def handed_on(self, stage: SearchStage) -> Handover:
        """Return what the finished search or refinement in this folder hands on, by its file and those before it.

        Raises SearchError where a file is missing, unfinished, or not begun with what the stage before handed on.
        """
        before = self.handed_on(SearchStage.SEARCH) if stage is SearchStage.REFINEMENT else None
        if before is not None and not before.candidates:
            return _handover(stage, (), self.settings.finalists, before)
        header, trials = read_trials(self.file(stage))
        self._refuse_forged(stage, trials)
        if header["parent_sha256"] != (before.sha256 if before else None):
            raise SearchError(f"{self.file(stage)} was not begun with what the stage before handed on")
        count = self.settings.finalists if before else self.settings.candidates
        return _handover(stage, trials, count, before)


def _handover(stage: SearchStage, trials: Sequence[Trial], count: int, before: Handover | None) -> Handover:
    found = _candidates(trials, count)
    trials_sha256 = canon.sig_hash([trial.to_body() for trial in trials])
    n_trials = len(trials) + (before.n_trials if before else 0)
    return Handover(stage, found, trials_sha256, n_trials, before.sha256 if before else None)


def _candidates(trials: Sequence[Trial], count: int) -> tuple[Candidate, ...]:
    same: dict[Point, list[int]] = defaultdict(list)
    for trial in trials:
        same[point_of(trial.parameters)].append(trial.number)
    return tuple(
        Candidate(trial.parameters, value, rank, tuple(same[point_of(trial.parameters)]))
        for rank, (trial, value) in enumerate(best(trials, count), start=1)
    )


def _points(handed: Handover) -> tuple[Parameters, ...]:
    return tuple(candidate.parameters for candidate in handed.candidates)
