"""Cohorts: each run beside what it was chosen from, what trades already, and what it was before it was ablated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from distill_platform.evaluation.arrivals import ArrivalRecord, known_arrivals
from distill_platform.evaluation.cohort.members import Member
from distill_platform.evaluation.cohort.overfitting import CohortControls, overfitting_controls
from distill_platform.evaluation.contributions import (
    AblatedRun,
    CohortContribution,
    Contribution,
    cohort_contributions,
    node_contributions,
)
from distill_platform.evaluation.metrics import live_metrics
from distill_platform.evaluation.metrics.benchmark import benchmark_returns
from distill_platform.evaluation.metrics.steps import read_steps
from distill_platform.evaluation.portfolio import Fit, Holding, portfolio_fit_of
from distill_platform.evaluation.records import recorded_trials
from distill_platform.evaluation.stage import DayTables, Evaluation, ledger_input, opened_day, publish_day, rows_of
from distill_platform.evaluation.stages.measuring import Measured, measured, metric_rows
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.strategies.bundles.manifest import Stage


class Cohort:
    """All runs that one was chosen from, whenever they arrived: the ledger's records, and the sound runs themselves."""

    def __init__(self, evaluation: Evaluation, cohort_id: str) -> None:
        self.cohort_id = cohort_id
        self.records: Sequence[TrialRecord] = recorded_trials(evaluation.ledger, cohort_id)
        self._evaluation = evaluation

    @cached_property
    def runs(self) -> dict[str, Measured]:
        """Return the sound runs whose world can still judge, by run_id."""
        known = self._evaluation.settings.worlds.known
        return {
            record.run_id: measured(self._evaluation, record.bundle_sha256)
            for record in self.records
            if record.sound and record.world_id in known
        }

    @cached_property
    def controls(self) -> CohortControls:
        """Return the overfitting controls of its runs."""
        members = [_member(record, self.runs[record.run_id]) for record in self.records if record.run_id in self.runs]
        return overfitting_controls(members, self.records)

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

    @cached_property
    def input(self) -> Input:
        """Return how a stage remembers what it read of this cohort."""
        return ledger_input(record.to_body() for record in self.records)


def _member(record: TrialRecord, run: Measured) -> Member:
    daily = run.found.daily
    ratio = run.found.number("returns.sharpe_daily")
    ablated = record.ablation is not None
    return Member(record.run_id, record.strategy_id, record.content_sha256, ablated, ratio, daily.days, daily.net)


def _ablated(run: Measured) -> AblatedRun:
    daily = run.found.daily
    market = benchmark_returns(read_steps(run.bundle), daily)
    return AblatedRun(run.bundle.manifest, daily.days, daily.net, daily.gross if market is None else market)


class Neighbours:
    """The runs of a world that others stand beside: the live book, and the backtests that came before."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._arrivals = known_arrivals(evaluation.ledger)

    def fit(self, run: Measured) -> Fit:
        """Return how a run fits the strategies that trade already, all with equal shares of equity."""
        own = run.bundle.manifest
        others = [
            arrival for arrival in self._latest(own.world_id, Stage.LIVE) if arrival.strategy_id != own.strategy_id
        ]
        book = [found for arrival in others if (found := self._sound(arrival))]
        weight = 1.0 / max(len(book), 1)
        return portfolio_fit_of(_holding(run, weight), [_holding(found, weight) for found in book])

    def live(self, run: Measured) -> dict[str, float]:
        """Return the `live.*` metrics of a paper or live run beside its strategy's backtest; none of a backtest."""
        own = run.bundle.manifest
        if own.stage is Stage.BACKTEST:
            return {}
        earlier = [a for a in self._latest(own.world_id, Stage.BACKTEST) if a.strategy_id == own.strategy_id]
        backtest = next((found for arrival in earlier if (found := self._sound(arrival))), None)
        lookback = self._evaluation.settings.worlds.known[own.world_id].live.lookback_days
        return live_metrics(run.found, backtest.found if backtest else None, lookback or DEFAULT_LOOKBACK_DAYS)

    @property
    def input(self) -> Input:
        """Return how a stage remembers which runs there were to stand beside."""
        return ledger_input(vars(arrival) for arrival in self._arrivals if arrival.stage != Stage.PAPER)

    def _latest(self, world_id: str, stage: Stage) -> list[ArrivalRecord]:
        """Return the run of each strategy with the latest window, not the latest arrival: order decides nothing."""
        latest: dict[str, tuple[Any, ArrivalRecord]] = {}
        for arrival in self._arrivals:
            if arrival.world_id == world_id and arrival.stage == stage:
                manifest = self._evaluation.bundles.open(arrival.bundle_sha256).manifest
                rank = (manifest.ablation_spec is None, manifest.window.end, arrival.run_id)
                if arrival.strategy_id not in latest or rank > latest[arrival.strategy_id][0]:
                    latest[arrival.strategy_id] = (rank, arrival)
        return [arrival for _, arrival in latest.values()]

    def _sound(self, arrival: ArrivalRecord) -> Measured | None:
        run = measured(self._evaluation, arrival.bundle_sha256)
        return run if run.sound else None


DEFAULT_LOOKBACK_DAYS = 63
"""A quarter of trading days, where the world does not say."""


def _holding(run: Measured, weight: float) -> Holding:
    return Holding(run.bundle.manifest.strategy_id, run.found.daily.days, run.found.daily.net, weight)


def compare_runs(evaluation: Evaluation, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of the named datasets: cohort by cohort, each read once for all its runs."""
    cohorts: dict[str, Cohort] = {}
    neighbours = Neighbours(evaluation)
    manifests: list[Manifest] = []
    for done, day in enumerate(days, 1):
        opened, inputs = opened_day(evaluation, "evaluation_runs", day)
        rows = rows_of(opened, "runs")
        for row in rows:
            cohorts.setdefault(row["cohort_id"], Cohort(evaluation, row["cohort_id"]))
        for name in names:
            beside = _beside(name, rows, cohorts, neighbours)
            manifests.append(
                publish_day(evaluation, name, day, _tables(name, rows, inputs | beside, cohorts, neighbours))
            )
        evaluation.progress("overfitting_controls", done, len(days))
    return manifests


def _beside(name: str, rows: Sequence[Any], cohorts: Mapping[str, Cohort], neighbours: Neighbours) -> dict[str, Input]:
    if name == "portfolio_fit":
        return {"neighbours": neighbours.input}
    return {f"trials:{cohort_id}": cohorts[cohort_id].input for cohort_id in sorted({row["cohort_id"] for row in rows})}


def _tables(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    inputs: Mapping[str, Input],
    cohorts: Mapping[str, Cohort],
    neighbours: Neighbours,
) -> DayTables:
    sound = [row for row in rows if row["sound"]]
    made = [
        {"run_id": row["run_id"], **line}
        for row in sound
        for line in _lines(name, row["run_id"], cohorts[row["cohort_id"]], neighbours)
    ]
    broken = {"integrity_broken": len(rows) - len(sound)} if len(rows) > len(sound) else {}
    tables = {_TABLE[name]: made}
    if name == "node_contributions":
        tables["by_cohort"] = _by_cohort(cohorts, sorted({row["cohort_id"] for row in sound}))
    return DayTables(tables, inputs, Counts(len(rows), len(sound), quarantined=broken), _checks(rows, cohorts))


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


def _checks(rows: Sequence[Mapping[str, Any]], cohorts: Mapping[str, Cohort]) -> list[Check]:
    recorded = {record.run_id for cohort in cohorts.values() for record in cohort.records}
    uncounted = [row["run_id"] for row in rows if row["run_id"] not in recorded]
    return [
        check("provenance", "runs that are not among the day's evaluation_runs", 0),
        check("honest_n", "runs that the ledger does not count as trials", len(uncounted), sample=uncounted),
    ]
