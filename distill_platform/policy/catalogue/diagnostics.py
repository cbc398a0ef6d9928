"""`diagnostics.*`: where the numbers come from and how far to trust the judgement; never a merit by itself."""

from __future__ import annotations

from distill_platform.core.expression import Kind
from distill_platform.policy.catalogue.metric import HIGHER, LOWER, NONE, group

_run = group("diagnostics", "evaluation_runs")
_control = group("diagnostics", "overfitting_controls")
_rules = group("diagnostics", "rule_results")

METRICS = (
    _control("search_intensity", "trials per day", LOWER, "honest number of trials over observation_days"),
    _run("strategy_complexity", "parameters", LOWER, "free parameters of the strategy's nodes"),
    _rules(
        "validation_health.metric_coverage_ratio",
        "fraction",
        HIGHER,
        "share of the metrics the profile needs that are there and usable",
    ),
    _rules(
        "validation_health.rules_executed_ratio",
        "fraction",
        HIGHER,
        "share of the configured rules that had every metric they need",
    ),
    _run("returns_source", "name", NONE, "which table the returns were read from", kind=Kind.STRING),
    _run("run_source", "name", NONE, "prod, maintenance, smoke or async_test", kind=Kind.STRING),
    _run("score_source", "name", NONE, "model, heuristic or manual", kind=Kind.STRING),
    _run("data_regime", "name", NONE, "prod_live, maintenance_replay or mixed", kind=Kind.STRING),
)
