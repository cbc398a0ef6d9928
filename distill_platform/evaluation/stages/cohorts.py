"""Cohorts: each run beside what it was chosen from, what trades already, and what it was before it was ablated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from distill_platform.evaluation.arrivals import ArrivalRecord
from distill_platform.evaluation.cohort.members import Member
from distill_platform.evaluation.cohort.overfitting import CohortControls, overfitting_controls
from distill_platform.evaluation.contributions import (
    AblatedRun,
    CohortContribution,
    Contribution,
    cohort_contributions,
    node_contributions,
)
from distill_platform.evaluation.measured import Measured
from distill_platform.evaluation.metrics import live_metrics
from distill_platform.evaluation.portfolio import Fit, Holding, portfolio_fit_of
from distill_platform.evaluation.release import ReleaseStanding, release_standing
from distill_platform.evaluation.stage import Evaluation, from_these, publish_day
from distill_platform.evaluation.stages.measuring import metric_rows
from distill_platform.evaluation.surroundings import Surroundings
from distill_platform.evaluation.trial_book import CohortTrials
from distill_platform.evaluation.trials import TrialCount, TrialRecord, honest_trials
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, open_partition, rows_of
from distill_platform.strategies.bundles.manifest import Stage


class Cohort:
    """All runs that one was chosen from, whenever they arrived: the ledger's records, and the sound runs themselves."""

    def __init__(self, evaluation: Evaluation, trials: CohortTrials) -> None:
        self.records: Sequence[TrialRecord] = trials.own
        self._trials = trials
        self._evaluation = evaluation

    @cached_property
    def runs(self) -> dict[str, Measured]:
        """Return the sound runs, by run_id."""
        measurer = self._evaluation.measurer
        return {record.run_id: measurer.run(record.bundle_sha256) for record in self.records if record.sound}

    @cached_property
    def standings(self) -> tuple[ReleaseStanding, ...]:
        """Return of every run, sound or not, whether it counts for release."""
        measurer = self._evaluation.measurer
        return tuple(release_standing(measurer.run(record.bundle_sha256).manifest) for record in self.records)

    def run(self, run_id: str) -> Measured:
        """Return a run of the cohort, sound or not, as it stands beside the others."""
        record = next(record for record in self.records if record.run_id == run_id)
        return replace(
            self._evaluation.measurer.run(record.bundle_sha256), reproduced=self._trials.reproduction.match(run_id)
        )

    def trials(self, run_id: str) -> TrialCount:
        """Return how many trials a run was chosen from."""
        return honest_trials(self._trials.counted_for(run_id))

    @cached_property
    def controls(self) -> CohortControls:
        """Return the overfitting controls of its runs."""
        members = [_member(record, self.runs[record.run_id]) for record in self.records if record.run_id in self.runs]
        return overfitting_controls(members, self.records, self._trials.beside)

    def contributions(self, run_id: str) -> tuple[Contribution, ...]:
        """Return what the nodes of a run add to it, by its ablated variants."""
        return self._contributions[run_id]

    @cached_property
    def all_contributions(self) -> tuple[CohortContribution, ...]:
        """Return what nodes add over all runs of the cohort."""
        return cohort_contributions(each for found in self._contributions.values() for each in found)

    @cached_property
    def _contributions(self) -> dict[str, tuple[Contribution, ...]]:
        ablated = [_ablated(self.runs[r.run_id]) for r in self.records if r.ablation and r.run_id in self.runs]
        return {run_id: node_contributions(_ablated(run), ablated) for run_id, run in self.runs.items()}


def _member(record: TrialRecord, run: Measured) -> Member:
    daily = run.found.daily
    ratio = run.found.number("returns.sharpe_daily")
    ablated = record.ablation is not None
    return Member(record.run_id, record.strategy_id, record.content_sha256, ablated, ratio, daily.days, daily.net)


def _ablated(run: Measured) -> AblatedRun:
    return AblatedRun(run.manifest, run.found.daily.days, run.found.daily.net, run.market)


class Neighbours:
    """The runs of a world that others stand beside: the live book, and the backtests that came before."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._around = Surroundings(evaluation.ledger)
        self._books: dict[str, dict[str, Measured]] = {}

    def fit(self, run: Measured) -> Fit:
        """Return how a run fits the strategies that trade already, all with equal shares of equity."""
        world_id, own = run.manifest.world_id, run.manifest.strategy_id
        book = [held for strategy_id, held in self._book(world_id).items() if strategy_id != own]
        weight = 1.0 / max(len(book), 1)
        return portfolio_fit_of(_holding(run, weight), [_holding(held, weight) for held in book])

    def live(self, run: Measured) -> dict[str, float]:
        """Return the `live.*` metrics of a paper or live run beside its strategy's backtest; none of a backtest."""
        own = run.manifest
        if own.stage is Stage.BACKTEST:
            return {}
        (arrival,) = self._around.named([own.run_id])
        backtest = self._latest(self._around.backtests(arrival)).get(own.strategy_id)
        world = self._evaluation.settings.worlds.known.get(own.world_id)
        lookback = (world.live.lookback_days if world else None) or DEFAULT_LOOKBACK_DAYS
        return live_metrics(run.found, backtest.found if backtest else None, lookback)

    def _book(self, world_id: str) -> dict[str, Measured]:
        if world_id not in self._books:
            arrivals = self._around.arrivals
            trading = [one for one in arrivals if (one.world_id, one.stage) == (world_id, Stage.LIVE)]
            self._books[world_id] = self._latest(trading)
        return self._books[world_id]

    def _latest(self, arrivals: Iterable[ArrivalRecord]) -> dict[str, Measured]:
        """Return of each strategy the sound run with the latest window, not the latest arrival: order decides nothing.

        Sorted by strategy. A run without ablations goes before one with them.
        """
        sound = [run for arrival in arrivals if (run := self._sound(arrival))]
        latest = {run.manifest.strategy_id: run for run in sorted(sound, key=_recency)}
        return {strategy_id: latest[strategy_id] for strategy_id in sorted(latest)}

    def _sound(self, arrival: ArrivalRecord) -> Measured | None:
        run = self._evaluation.measurer.run(arrival.bundle_sha256)
        return run if run.sound and not self._around.is_contradicted(arrival) else None


def _recency(run: Measured) -> tuple[bool, datetime, str]:
    return run.manifest.ablation_spec is None, run.manifest.window.end, run.run_id


DEFAULT_LOOKBACK_DAYS = 63
"""A quarter of trading days, where the world does not say."""


def _holding(run: Measured, weight: float) -> Holding:
    return Holding(run.manifest.strategy_id, run.found.daily.days, run.found.daily.net, weight)


def compare_runs(evaluation: Evaluation, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of the named datasets: cohort by cohort, each read once for all its runs."""
    cohorts: dict[str, Cohort] = {}
    neighbours, around = Neighbours(evaluation), Surroundings(evaluation.ledger)
    manifests: list[Manifest] = []
    for done, day in enumerate(days, 1):
        opened, inputs = open_partition(evaluation.lake, "evaluation_runs", day)
        rows = rows_of(opened, "runs")
        for row in rows:
            if row["cohort_id"] not in cohorts:
                cohorts[row["cohort_id"]] = Cohort(evaluation, around.trial_book.cohort(row["cohort_id"]))
        own = around.named(row["run_id"] for row in rows)
        for name in names:
            beside = around.neighbours(own) if name == "portfolio_fit" else around.trials(own)
            manifests.append(
                publish_day(evaluation, name, day, _tables(name, rows, inputs | beside, cohorts, neighbours))
            )
        evaluation.progress("overfitting_controls", done, len(days))
    return manifests


def _tables(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    inputs: Mapping[str, Input],
    cohorts: Mapping[str, Cohort],
    neighbours: Neighbours,
) -> MadeTables:
    sound = [row for row in rows if row["run_id"] in cohorts[row["cohort_id"]].runs]
    made = [
        {"run_id": row["run_id"], **line}
        for row in sound
        for line in _lines(name, row["run_id"], cohorts[row["cohort_id"]], neighbours)
    ]
    unsound = {record.run_id for cohort in cohorts.values() for record in cohort.records if not record.sound}
    broken = sum(row["run_id"] in unsound for row in rows)
    tables = {_TABLE[name]: made}
    if name == "node_contributions":
        tables["by_cohort"] = _by_cohort(cohorts, sorted({row["cohort_id"] for row in sound}))
    known = from_these(tables, [row["run_id"] for row in rows if row["sound"]], "the day's sound evaluation_runs")
    counts = Counts(len(rows), len(sound), quarantined={"integrity_broken": broken} if broken else {})
    return MadeTables(tables, inputs, counts, [known, _counted(rows, cohorts)])


_TABLE = {"overfitting_controls": "controls", "portfolio_fit": "fit", "node_contributions": "contributions"}


def _lines(name: str, run_id: str, cohort: Cohort, neighbours: Neighbours) -> list[Any]:
    if name == "overfitting_controls":
        return metric_rows(cohort.controls.metrics_of(run_id))
    run = cohort.runs[run_id]
    if name == "portfolio_fit":
        return metric_rows(neighbours.fit(run).metrics | neighbours.live(run))
    return [_contribution(one) for one in cohort.contributions(run_id)]


def _contribution(one: Contribution) -> dict[str, Any]:
    return {**vars(one), "by_regime": _regimes(one.by_regime)}


def _by_cohort(cohorts: Mapping[str, Cohort], cohort_ids: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {**vars(one), "cohort_id": cohort_id, "by_regime": _regimes(one.by_regime)}
        for cohort_id in cohort_ids
        for one in cohorts[cohort_id].all_contributions
    ]


def _regimes(by_regime: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"regime": regime, "sharpe": value} for regime, value in by_regime]


def _counted(rows: Sequence[Mapping[str, Any]], cohorts: Mapping[str, Cohort]) -> Check:
    recorded = {record.run_id for cohort in cohorts.values() for record in cohort.records}
    uncounted = [row["run_id"] for row in rows if row["run_id"] not in recorded]
    return check("honest_n", "runs that the ledger does not count as trials", len(uncounted), sample=uncounted)
