"""The trial book: which trials bear on a run. Those of its cohort, and some that were handed in under another name.

Whoever gives each attempt a cohort of its own would otherwise have tried once, fifty times. So the runs of a strategy
in its world and stage count wherever they are, and one run's numbers in two cohorts of a world are evidence once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from distill_platform.evaluation.arrivals import ArrivalRecord, known_arrivals
from distill_platform.evaluation.records import recorded_trials
from distill_platform.evaluation.reproduction import Reproduction, reproduction
from distill_platform.evaluation.trials import TrialRecord, chosen_from
from distill_platform.store.ledger import Ledger


@dataclass(frozen=True)
class CohortTrials:
    """The trials of a cohort, and those `beside` it: of its strategies, or with its numbers, in its runs' worlds.

    A run that another one contradicts is not sound, whichever cohort the other is in.
    """

    own: Sequence[TrialRecord]
    beside: Sequence[TrialRecord]
    reproduction: Reproduction

    @property
    def all(self) -> list[TrialRecord]:
        """Return all of them."""
        return [*self.own, *self.beside]

    def counted_for(self, run_id: str) -> list[TrialRecord]:
        """Return the trials that a run of the cohort was chosen from: the cohort's, and its strategy's elsewhere."""
        return chosen_from(run_id, self.own, self.beside)


class TrialBook:
    """The trials that the ledger holds at one moment, each cohort read once."""

    def __init__(self, ledger: Ledger) -> None:
        self.arrivals: Sequence[ArrivalRecord] = known_arrivals(ledger)
        self._ledger = ledger
        self._alike: dict[tuple[str, ...], list[ArrivalRecord]] = defaultdict(list)
        self._arrived: dict[str, list[ArrivalRecord]] = defaultdict(list)
        self._read: dict[str, dict[str, TrialRecord]] = {}
        self._cohorts: dict[str, CohortTrials] = {}
        for arrival in self.arrivals:
            self._arrived[arrival.cohort_id].append(arrival)
            for key in _keys(arrival):
                self._alike[key].append(arrival)

    def cohort(self, cohort_id: str) -> CohortTrials:
        """Return the trials of a cohort and those beside it."""
        if cohort_id not in self._cohorts:
            own, beside = list(self._records(cohort_id).values()), list(self._beside(cohort_id))
            shown = reproduction([*own, *beside])
            self._cohorts[cohort_id] = CohortTrials(_judged(own, shown), _judged(beside, shown), shown)
        return self._cohorts[cohort_id]

    def is_complete(self, cohort_ids: Iterable[str]) -> bool:
        """Return whether every run that bears on these cohorts counts as a trial by now."""
        wanted = (each for name in cohort_ids for each in (*self._arrived[name], *self._arrived_beside(name)))
        return all(self._record(each) is not None for each in wanted)

    def _beside(self, cohort_id: str) -> Iterator[TrialRecord]:
        for arrival in self._arrived_beside(cohort_id):
            if (record := self._record(arrival)) is not None:
                yield record

    def _arrived_beside(self, cohort_id: str) -> list[ArrivalRecord]:
        keys = {key for arrival in self._arrived[cohort_id] for key in _keys(arrival)}
        found = {each.run_id: each for key in keys for each in self._alike[key] if each.cohort_id != cohort_id}
        return [found[run_id] for run_id in sorted(found)]

    def _record(self, arrival: ArrivalRecord) -> TrialRecord | None:
        record = self._records(arrival.cohort_id).get(arrival.run_id)
        return record if record is not None and record.bundle_sha256 == arrival.bundle_sha256 else None

    def _records(self, cohort_id: str) -> dict[str, TrialRecord]:
        if cohort_id not in self._read:
            self._read[cohort_id] = {record.run_id: record for record in recorded_trials(self._ledger, cohort_id)}
        return self._read[cohort_id]


def _keys(arrival: ArrivalRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return by what a run is known again in another cohort: its strategy, and its numbers."""
    return (arrival.world_id, arrival.strategy_id, arrival.stage), (arrival.world_id, arrival.content_sha256)


def _judged(records: Iterable[TrialRecord], shown: Reproduction) -> list[TrialRecord]:
    return [
        record.model_copy(update={"sound": False}) if record.run_id in shown.contradicted else record
        for record in records
    ]
