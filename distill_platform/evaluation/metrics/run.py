"""One run: everything that its own bundle says of it, under the terms of its world."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from distill_platform.core.expression import Kind
from distill_platform.evaluation.metrics.benchmark import benchmark_metrics, benchmark_returns
from distill_platform.evaluation.metrics.daily import DailySeries, daily_series
from distill_platform.evaluation.metrics.diagnostics import coverage_ratio, diagnostics_metrics
from distill_platform.evaluation.metrics.integrity import integrity
from distill_platform.evaluation.metrics.regime import (
    Labels,
    RegimeRow,
    regime_metrics,
    regime_rows,
    volatility_terciles,
)
from distill_platform.evaluation.metrics.returns import returns_metrics
from distill_platform.evaluation.metrics.risk import risk_metrics
from distill_platform.evaluation.metrics.robustness import robustness_metrics
from distill_platform.evaluation.metrics.sample import sample_metrics
from distill_platform.evaluation.metrics.steps import Steps, read_steps
from distill_platform.evaluation.metrics.stress import (
    CostPoint,
    ScenarioRow,
    Stressed,
    stress_metrics,
    stressed,
    undefined,
)
from distill_platform.evaluation.metrics.terms import EvaluationTerms
from distill_platform.evaluation.metrics.triage import daily_activity, is_idle, triage_metrics, triage_reason
from distill_platform.evaluation.metrics.walk_forward import FoldRow, WalkForward, read_folds, walk_forward_metrics
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.catalogue.stress import scenario_metrics
from distill_platform.stats import moments
from distill_platform.strategies.bundles.bundle import Bundle

Metric = float | int | bool | str | None
Leaves = Mapping[str, Metric]

_OWN = {"evaluation_runs", "evaluation_metrics", "walk_forward", "stress_tests", "triage"}


@dataclass(frozen=True, eq=False)
class RunMetrics:
    """What one bundle says of its run. What is not known is NaN, or None where it is no number; no metric is missing.

    `broken` names the invariants that do not hold: such a run is shown, and judged by none of its numbers. `reason` is
    the triage in one sentence. Scenarios and cost curve are in the order of the terms.
    """

    metrics: dict[str, Metric] = field(repr=False)
    daily: DailySeries = field(repr=False)
    folds: tuple[FoldRow, ...]
    scenarios: tuple[ScenarioRow, ...]
    cost_curve: tuple[CostPoint, ...]
    regimes: tuple[RegimeRow, ...]
    broken: tuple[str, ...]
    reason: str
    notes: tuple[str, ...]

    @property
    def is_measured(self) -> bool:
        """Return whether its numbers say something: it is sound and did something."""
        return not self.broken and self.metrics["triage.no_activity"] is False

    def number(self, name: str) -> float:
        """Return a metric as a number; NaN for one that is none."""
        value = self.metrics[name]
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def run_metrics(bundle: Bundle, terms: EvaluationTerms) -> RunMetrics:
    """Return the metrics of one run: of its bundle and the terms alone, whoever else was tried, and whenever.

    An idle run keeps integrity, sample, triage and diagnostics; everything that would read as low risk is unknown. So
    is all that needs days of a run whose steps cannot be measured. O(T) but for the bootstrap and the scenarios.
    """
    steps = read_steps(bundle)
    daily = daily_series(steps)
    folds = read_folds(bundle.folds, steps, daily, terms.n_folds)
    found = integrity(bundle, steps, daily, folds.matches)
    moved = daily_activity(daily, terms) if len(daily) else None
    idle = moved is None or is_idle(steps, daily, moved, terms)
    sample: Leaves = sample_metrics(bundle, steps, daily, moved) if moved else {}
    measured = _Measured.of(bundle, steps, daily, folds, terms) if not idle else _Measured.nothing(terms)
    triage = triage_metrics(daily, _trades(bundle), idle, found.broken, terms)
    metrics = _blank(terms) | _named(
        sample=sample,
        invariants=found.invariants,
        triage=triage,
        diagnostics=diagnostics_metrics(bundle.manifest, len(daily)),
        **measured.groups,
    )
    metrics["diagnostics.validation_health.metric_coverage_ratio"] = coverage_ratio(metrics.values())
    return RunMetrics(
        metrics, daily, folds.folds, measured.stress.scenarios, measured.stress.cost_curve, measured.regimes,
        found.broken, triage_reason(triage, found.broken), (*found.notes, *folds.notes),
    )  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """The part that only a run with some activity has."""

    groups: dict[str, Leaves]
    stress: Stressed
    regimes: tuple[RegimeRow, ...]

    @classmethod
    def nothing(cls, terms: EvaluationTerms) -> _Measured:
        return cls({}, undefined(terms), ())

    @classmethod
    def of(
        cls, bundle: Bundle, steps: Steps, daily: DailySeries, folds: WalkForward, terms: EvaluationTerms
    ) -> _Measured:
        market = benchmark_returns(steps, daily)
        labels: Labels = volatility_terciles(daily.gross if market is None else market, terms.regime_window_days)
        regimes = regime_rows(daily, labels, terms.min_regime_days)
        stress = stressed(steps, daily, labels, terms)
        shape = moments(daily.net)
        groups: dict[str, Leaves] = {
            "returns": returns_metrics(steps, daily, shape),
            "risk": risk_metrics(steps, daily, bundle.orders),
            "robustness": robustness_metrics(daily, shape, terms.n_resamples),
            "wf": walk_forward_metrics(folds),
            "stress": stress_metrics(stress),
            "regime": regime_metrics(regimes),
            "benchmark": benchmark_metrics(daily, market),
        }
        return cls(groups, stress, regimes)


def _trades(bundle: Bundle) -> float:
    return math.nan if bundle.trades is None else float(bundle.trades.num_rows)


def _blank(terms: EvaluationTerms) -> dict[str, Metric]:
    """Return every metric that a single run has by itself, unknown: the catalogue says which, and of which kind."""
    own = [metric for metric in CATALOGUE.values() if metric.producer in _OWN]
    own += [metric for scenario in terms.stress_grid for metric in scenario_metrics(scenario.name)]
    return {metric.name: math.nan if metric.kind is Kind.NUMBER else None for metric in own}


def _named(**groups: Leaves) -> dict[str, Metric]:
    """Return metrics by full name; infinity is no value that anybody could be judged by."""
    return {f"{group}.{leaf}": _known(value) for group, leaves in groups.items() for leaf, value in leaves.items()}


def _known(value: Metric) -> Metric:
    return math.nan if isinstance(value, float) and math.isinf(value) else value
