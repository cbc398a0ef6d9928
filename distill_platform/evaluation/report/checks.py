"""Checks: every bound the policy compared a metric with, as the verdict strip and tables show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distill_platform.evaluation.report import measured
from distill_platform.evaluation.report.view import Metric, ReportView
from distill_platform.pages import wording
from distill_platform.policy.rules.result import RuleResult

_UNKNOWN_CODES = {"missing_metric", "invalid_metric", "rule_error"}


@dataclass(frozen=True)
class Check:
    """One bound of one rule. `metric` is "" for a rule that bounds no metric; `margin` is positive on the good side.

    `status` is pass, warn or fail; `code` says why it is not pass.
    """

    rule: str
    metric: str
    at_least: bool
    observed: Metric
    threshold: float
    margin: float
    status: str
    severity: str
    owner: str
    code: str
    reason: str

    @property
    def name(self) -> str:
        """Return what is checked, in words."""
        return measured.name(self.metric) if self.metric else wording.visible(self.rule.replace("_", " "))

    @property
    def observed_text(self) -> str:
        """Return the observed value with its unit."""
        return measured.shown(self.metric, self.observed)

    @property
    def threshold_text(self) -> str:
        """Return the bound, "at least 0.95"; a dash where nothing is bounded."""
        if math.isnan(self.threshold):
            return "–"
        return f"{'at least' if self.at_least else 'at most'} {measured.shown(self.metric, self.threshold)}"

    @property
    def margin_text(self) -> str:
        """Return the margin with its sign; a dash where there is none."""
        if math.isnan(self.margin):
            return "–"
        text = measured.shown(self.metric, self.margin)
        return f"+{text}" if self.margin > 0 and text[0].isdigit() else text

    @property
    def room(self) -> float:
        """Return the margin as a share of the threshold, in [-1, 1]; NaN where there is none."""
        if math.isnan(self.margin):
            return math.nan
        return max(-1.0, min(1.0, self.margin / max(abs(self.threshold), 1e-9)))

    @property
    def unknown(self) -> bool:
        """Return whether the check could not be made, which is never a pass."""
        return self.code in _UNKNOWN_CODES


def checks(view: ReportView) -> tuple[Check, ...]:
    """Return the checks of all configured rules in the policy's order."""
    configured = (result for result in view.results if result.reason_code != "not_configured")
    return tuple(check for result in configured for check in _of_rule(result))


def not_configured(view: ReportView) -> list[str]:
    """Return the names of the rules that the profile sets no parameter of."""
    return [result.rule for result in view.results if result.reason_code == "not_configured"]


def _of_rule(result: RuleResult) -> list[Check]:
    if not result.parameters:
        return [_check(result, result.details, result.reason_code, str(result.status))]
    return [
        _check(result, found, found["reason_code"], _status(result, found["reason_code"]))
        for found in result.parameters
    ]


def _status(result: RuleResult, code: str) -> str:
    return "pass" if code == "ok" else str(result.status)


def _check(result: RuleResult, found: Mapping[str, Any], code: str, status: str) -> Check:
    return Check(
        rule=result.rule,
        metric=found.get("metric", ""),
        at_least=not str(found.get("parameter", "")).startswith("max_"),
        observed=found.get("observed"),
        threshold=_number(found.get("threshold")),
        margin=_number(found.get("margin")),
        status=status,
        severity=str(result.severity),
        owner=str(result.owner),
        code=code,
        reason=result.reason,
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
