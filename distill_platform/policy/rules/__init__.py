"""The eleven rule types: what a profile may demand of a run, and the verdict on each demand."""

from __future__ import annotations

from distill_platform.policy.rules.block import RuleBlock
from distill_platform.policy.rules.bound import Bound, Metrics
from distill_platform.policy.rules.live import LiveMonitoring, PaperShadowConsistency
from distill_platform.policy.rules.performance import Benchmark, Performance
from distill_platform.policy.rules.result import RuleResult
from distill_platform.policy.rules.risk import Portfolio, RiskConstraint
from distill_platform.policy.rules.robustness import Cohort, Robustness
from distill_platform.policy.rules.rule import Rule, compile_rule
from distill_platform.policy.rules.sample import DataCurrency, Sample
from distill_platform.policy.rules.stress import Stress

__all__ = [
    "Benchmark",
    "Bound",
    "Cohort",
    "DataCurrency",
    "LiveMonitoring",
    "Metrics",
    "PaperShadowConsistency",
    "Performance",
    "Portfolio",
    "RiskConstraint",
    "Robustness",
    "Rule",
    "RuleBlock",
    "RuleResult",
    "Sample",
    "Stress",
    "compile_rule",
]
