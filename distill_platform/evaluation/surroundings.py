"""Surroundings: what the verdicts of a day rest on beside its own bundles. A day waits when any of it has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from distill_platform.evaluation.arrivals import ArrivalRecord
from distill_platform.evaluation.records import evaluation_stream
from distill_platform.evaluation.stage import ledger_input
from distill_platform.evaluation.trial_book import TrialBook
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.store.lake import Input
from distill_platform.store.ledger import Ledger
from distill_platform.strategies.bundles.manifest import Stage


class Surroundings:
    """The arrivals, trials and verdicts that the ledger holds at one moment, each read once."""

    def __init__(self, ledger: Ledger) -> None:
        self.trial_book = TrialBook(ledger)
        self.arrivals: Sequence[ArrivalRecord] = self.trial_book.arrivals
        self._ledger = ledger
        self._verdicts: dict[str, list[tuple[str, str]]] = {}

    def named(self, run_ids: Iterable[str]) -> list[ArrivalRecord]:
        """Return the arrivals of some runs, by run_id."""
        wanted = set(run_ids)
        return [arrival for arrival in self.arrivals if arrival.run_id in wanted]

    def of(self, own: Sequence[ArrivalRecord]) -> dict[str, Input]:
        """Return everything that the verdicts on these runs rest on, as stages remember it."""
        return self.trials(own) | self.neighbours(own) | self.verdicts(own)

    def trials(self, own: Sequence[ArrivalRecord]) -> dict[str, Input]:
        """Return the trials that bear on the runs, by cohort."""
        return {
            f"trials:{cohort_id}": ledger_input(record.to_body() for record in self.records(cohort_id))
            for cohort_id in _cohorts(own)
        }

    def neighbours(self, own: Sequence[ArrivalRecord]) -> dict[str, Input]:
        """Return the runs among which those are that these stand beside."""
        beside = {arrival for run in own for arrival in (*self.book(run), *self.backtests(run))}
        told = ({"bundle": one.bundle_sha256, "contradicted": self.is_contradicted(one)} for one in beside)
        return {"neighbours": ledger_input(told)}

    def verdicts(self, own: Sequence[ArrivalRecord]) -> dict[str, Input]:
        """Return the verdicts on all other runs of the strategies that these were chosen from."""
        mine = {evaluation_stream(run.world_id, run.strategy_id, run.run_id) for run in own}
        told = {one for prefix in self._strategies(own) for one in self._told(prefix) if one[0] not in mine}
        return {"verdicts_beside": ledger_input({"stream": stream, "verdict": key} for stream, key in told)}

    def is_measured(self, own: Sequence[ArrivalRecord]) -> bool:
        """Return whether every run that bears on these runs' cohorts counts as a trial by now."""
        return self.trial_book.is_complete(_cohorts(own))

    def book(self, run: ArrivalRecord) -> list[ArrivalRecord]:
        """Return the live runs of other strategies in the run's world."""
        return [
            arrival
            for arrival in self.arrivals
            if arrival.stage == Stage.LIVE
            and arrival.world_id == run.world_id
            and arrival.strategy_id != run.strategy_id
        ]

    def backtests(self, run: ArrivalRecord) -> list[ArrivalRecord]:
        """Return the backtests of the strategy of a paper or live run; none of a backtest."""
        if run.stage == Stage.BACKTEST:
            return []
        return [
            arrival
            for arrival in self.arrivals
            if arrival.stage == Stage.BACKTEST
            and (arrival.world_id, arrival.strategy_id) == (run.world_id, run.strategy_id)
        ]

    def is_contradicted(self, run: ArrivalRecord) -> bool:
        """Return whether another run claims to be the same and has other numbers."""
        return self.trial_book.cohort(run.cohort_id).reproduction.match(run.run_id) is False

    def records(self, cohort_id: str) -> list[TrialRecord]:
        """Return the trials that bear on a cohort's runs."""
        return self.trial_book.cohort(cohort_id).all

    def _strategies(self, own: Sequence[ArrivalRecord]) -> Iterator[str]:
        """Yield the prefix of the streams of every strategy whose verdicts are asked for signs of gaming."""
        seen = set()
        for run in own:
            for strategy_id in {record.strategy_id for record in self.records(run.cohort_id)}:
                prefix = evaluation_stream(run.world_id, strategy_id, "")
                if prefix not in seen:
                    seen.add(prefix)
                    yield prefix

    def _told(self, prefix: str) -> list[tuple[str, str]]:
        if prefix not in self._verdicts:
            self._verdicts[prefix] = [(last.stream, last.key) for last in self._ledger.latest_of(prefix)]
        return self._verdicts[prefix]


def _cohorts(own: Iterable[ArrivalRecord]) -> list[str]:
    return sorted({arrival.cohort_id for arrival in own})
