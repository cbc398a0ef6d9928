"""Batch: trials that climb the rungs side by side; none of them knows of another but through pruning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from distill_platform.core.errors import SearchError
from distill_platform.models.search.objective import TrialMeasure
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.pruning import survivors
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.trial import Trial, TrialState, ended, failed
from distill_platform.models.search.trials_file import TrialsFile
from distill_platform.models.search.workers import Done, Measuring, Task

Point: TypeAlias = tuple[tuple[str, object], ...]


def point_of(parameters: Parameters) -> Point:
    """Return the parameters as a value that can be looked up."""
    return tuple(sorted(parameters.items()))


class Known:
    """What has been measured, by point and rung: no point is measured twice on the same rung."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._found: dict[tuple[Point, int], TrialMeasure | str] = {}
        for trial in trials:
            point = point_of(trial.parameters)
            self._found.update({(point, rung): one.measure() for rung, one in enumerate(trial.rungs)})
            if trial.reason is not None:
                self._found[point, len(trial.rungs)] = trial.reason

    def add(self, done: Done) -> None:
        """Take in what came of a task."""
        found = done.reason if done.measure is None else done.measure
        self._found[point_of(done.task.parameters), done.task.rung] = found or "gave nothing"

    def at(self, parameters: Parameters, rung: int) -> TrialMeasure | str | None:
        """Return the measure, the reason why there is none, or None for what nobody has looked at."""
        return self._found.get((point_of(parameters), rung))


class Batch:
    """The trials of one batch; `points` are what the sampler asks for, by the numbers of the trials."""

    def __init__(self, plan: SearchPlan, file: TrialsFile, known: Known, points: dict[int, Parameters]) -> None:
        self._plan, self._file, self._known, self._points = plan, file, known, points
        self._climbing: dict[int, list[TrialMeasure]] = {number: [] for number in points}

    def run(self, measuring: Measuring) -> list[Trial]:
        """Return the trials by number, each on file as soon as it has ended.

        Raises SearchError where the file holds another trial under the number of one of these.
        """
        last = self._plan.pruning.rungs - 1
        for rung in range(last + 1):
            self._climb(rung, measuring)
            if rung < last:
                self._prune()
        return [self._file.trials[number] for number in self._points]

    def _climb(self, rung: int, measuring: Measuring) -> None:
        for number in list(self._climbing):
            self._step(number, rung)
        for done in measuring.run(self._unknown(rung)):
            self._file.note(done.task.number, rung=rung, seconds=done.seconds, lives=done.lives, said=done.message)
            self._known.add(done)
            for number in [one for one in self._climbing if self._points[one] == done.task.parameters]:
                self._step(number, rung)

    def _unknown(self, rung: int) -> list[Task]:
        """Return one task for each point that has to be looked at on this rung."""
        tasks: dict[Point, Task] = {}
        for number in self._climbing:
            parameters = self._points[number]
            if self._known.at(parameters, rung) is None:
                tasks.setdefault(point_of(parameters), Task(number, parameters, rung))
        return list(tasks.values())

    def _step(self, number: int, rung: int) -> None:
        """Take a trial up one rung, if that was looked at, and end it where there is no other."""
        found = self._known.at(self._points[number], rung)
        if found is None:
            return
        measures = self._climbing[number]
        if isinstance(found, str):
            self._end(failed(self._plan, number, self._points[number], measures, found))
            return
        measures.append(found)
        if rung == self._plan.pruning.rungs - 1:
            self._end(ended(self._plan, number, self._points[number], measures, TrialState.FINISHED))

    def _prune(self) -> None:
        latest = {number: measures[-1] for number, measures in self._climbing.items()}
        kept = survivors(latest, self._plan.objective, self._plan.pruning.keep)
        for number in sorted(latest.keys() - set(kept)):
            measures = self._climbing[number]
            self._end(ended(self._plan, number, self._points[number], measures, TrialState.PRUNED))

    def _end(self, trial: Trial) -> None:
        del self._climbing[trial.number]
        on_file = self._file.trials.get(trial.number)
        if on_file is None:
            self._file.add(trial)
        elif on_file != trial:
            message = f"{self._file.path}: trial {trial.number} is not the one that this search makes"
            raise SearchError(message, hint="Keep the file to look at, and move it away to search anew")
