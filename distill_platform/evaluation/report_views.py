"""Report views: everything the report on one judged run shows, put together from what the stages found."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from distill_platform.evaluation.evaluation_run import EvaluationRun
from distill_platform.evaluation.measured import Measured
from distill_platform.evaluation.metrics import RunMetrics
from distill_platform.evaluation.portfolio import Fit
from distill_platform.evaluation.release import release_standing
from distill_platform.evaluation.report.view import (
    ContributionView,
    CorrelationView,
    CostView,
    DailyView,
    FoldView,
    GamingView,
    PolicyView,
    RegimeView,
    ReleaseView,
    ReportView,
    ScenarioView,
    SummaryView,
    TriageView,
    TrialsView,
)
from distill_platform.evaluation.stage import Evaluation
from distill_platform.evaluation.stages.cohorts import Cohort, Neighbours
from distill_platform.evaluation.trial_book import TrialBook
from distill_platform.policy.world import World


class Viewer:
    """Makes views; cohorts and the live book are read once for all of them."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._neighbours = Neighbours(evaluation)
        self._trials = TrialBook(evaluation.ledger)
        self._cohorts: dict[str, Cohort] = {}

    def view(self, run: EvaluationRun) -> ReportView:
        """Return what the report on a run shows."""
        cohort = self._cohort(run.manifest.cohort_id)
        own = cohort.run(run.manifest.run_id)
        fit = self._neighbours.fit(own) if own.sound else None
        found = own.found
        return ReportView(
            manifest=run.manifest,
            bundle_sha256=run.bundle_sha256,
            policy=_policy(run),
            metrics=run.metrics,
            broken=own.broken,
            notes=found.notes,
            daily=DailyView(found.daily.days, found.daily.net, found.daily.gross),
            folds=_folds(own),
            scenarios=_scenarios(run, found) if own.sound else (),
            costs=_costs(found),
            trials=_trials(run, cohort),
            results=run.results,
            gates=tuple(gate for gate in run.gates),
            summary=SummaryView(run.summary.status, run.summary.recommended_stage),
            gaming=tuple(GamingView(flag.sign.value, flag.raised, flag.evidence) for flag in run.gaming.flags),
            regimes=_regimes(found) if own.sound else (),
            correlations=_correlations(fit),
            contributions=_contributions(cohort, run.manifest.run_id) if own.sound else (),
            release=_release(run, cohort),
            triage=TriageView(tuple(own.triage), found.reason),
        )

    def _cohort(self, cohort_id: str) -> Cohort:
        if cohort_id not in self._cohorts:
            self._cohorts[cohort_id] = Cohort(self._evaluation, self._trials.cohort(cohort_id))
        return self._cohorts[cohort_id]


def _release(run: EvaluationRun, cohort: Cohort) -> ReleaseView:
    standings = [release_standing(record) for record in cohort.records]
    excluded = Counter(", ".join(standing.excluded) for standing in standings if not standing.counts)
    return ReleaseView(run.release.excluded, sum(s.counts for s in standings), tuple(sorted(excluded.items())))


def _policy(run: EvaluationRun) -> PolicyView:
    world = run.world
    return PolicyView(world.version, world.ruleset_hash, run.profile, world.risk_profile.tier.value)


def _folds(own: Measured) -> tuple[FoldView, ...]:
    return tuple(
        FoldView(fold.fold, fold.split, fold.start, fold.end, fold.pnl_is, fold.pnl_oos)
        for fold in (own.found.folds if own.sound else ())
    )


def _scenarios(run: EvaluationRun, found: RunMetrics) -> tuple[ScenarioView, ...]:
    bounds = _bounds(run.world, run.profile)
    return tuple(
        ScenarioView(
            row.name, row.net_sharpe, row.max_drawdown, row.es_99, row.total_return, **bounds.get(row.name, {})
        )
        for row in found.scenarios
    )


def _bounds(world: World, profile: str) -> dict[str, dict[str, float | None]]:
    """Return what the profile asks of each scenario, in the names of a ScenarioView."""
    declared = world.validation_profiles[profile].stress.scenarios or {} if profile else {}
    return {
        name: {
            "min_net_sharpe": asked.min_net_sharpe,
            "max_drawdown_limit": asked.max_drawdown,
            "max_es_99": asked.max_es_99,
        }
        for name, asked in declared.items()
    }


def _costs(found: RunMetrics) -> CostView:
    curve = tuple((point.added_bps, point.net_sharpe) for point in found.cost_curve)
    return CostView(curve, found.number("stress.breakeven_bps"))


def _trials(run: EvaluationRun, cohort: Cohort) -> TrialsView:
    count = cohort.trials(run.manifest.run_id)
    number = _numbers(run.metrics)
    return TrialsView(
        n=count.n,
        declared=count.declared,
        distinct=count.distinct,
        ablations=count.ablations,
        duplicates=count.duplicates,
        expected_max_sharpe=number("robustness.expected_max_sharpe"),
        sharpe=number("returns.sharpe_daily"),
        dsr=number("robustness.deflated_sharpe_ratio"),
        pbo=number("robustness.pbo"),
        reality_check_p=number("robustness.reality_check_p"),
    )


def _numbers(metrics: Mapping[str, Any]) -> Any:
    def number(name: str) -> float:
        value = metrics.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan

    return number


def _regimes(found: RunMetrics) -> tuple[RegimeView, ...]:
    return tuple(
        RegimeView(row.name, row.days, row.sharpe, row.standard_error, row.total_return, row.max_drawdown)
        for row in found.regimes
    )


def _correlations(fit: Fit | None) -> tuple[CorrelationView, ...]:
    held = fit.correlations if fit else ()
    return tuple(CorrelationView(one.strategy_id, one.correlation, one.tail_correlation) for one in held)


def _contributions(cohort: Cohort, run_id: str) -> tuple[ContributionView, ...]:
    return tuple(
        ContributionView(f"{one.kind} {one.part}, {one.stub}", one.sharpe, one.low, one.high, one.by_regime)
        for one in cohort.contributions(run_id)
    )
