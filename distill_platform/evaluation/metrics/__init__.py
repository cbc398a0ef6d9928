"""Metrics of one run: what its bundle, under the terms of its world, says of it by itself."""

from distill_platform.evaluation.metrics.daily import DAYS_PER_YEAR, DailySeries
from distill_platform.evaluation.metrics.live import live_metrics
from distill_platform.evaluation.metrics.regime import RegimeRow
from distill_platform.evaluation.metrics.run import Metric, RunMetrics, run_metrics
from distill_platform.evaluation.metrics.stress import CostPoint, ScenarioRow
from distill_platform.evaluation.metrics.terms import EvaluationTerms, Scenario, terms_of
from distill_platform.evaluation.metrics.walk_forward import FoldRow

__all__ = [
    "DAYS_PER_YEAR",
    "CostPoint",
    "DailySeries",
    "EvaluationTerms",
    "FoldRow",
    "Metric",
    "RegimeRow",
    "RunMetrics",
    "Scenario",
    "ScenarioRow",
    "live_metrics",
    "run_metrics",
    "terms_of",
]
