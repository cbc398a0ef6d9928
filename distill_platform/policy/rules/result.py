"""What a rule says of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from distill_platform.policy.words import Owner, Severity, Status

OK = "ok"
NOT_CONFIGURED = "not_configured"
NO_RULES_CONFIGURED = "no_rules_configured"
RULE_ERROR = "rule_error"
MISSING_METRIC = "missing_metric"
INVALID_METRIC = "invalid_metric"


class RuleResult(NamedTuple):
    """A verdict of a rule. `reason_code` is for programs, `reason` for people, `details` holds the numbers behind it.

    A rule that holds has one, and one that does not has one for each bound that does not hold. A rule without
    parameters is there too: it passes with the code `not_configured`, and never counts as executed. `parameters` are
    the bounds behind it with their numbers: the decisive one and, in a rule's first result, those that hold.
    """

    rule: str
    status: Status
    severity: Severity
    owner: Owner
    reason_code: str
    reason: str
    tags: tuple[str, ...]
    details: Mapping[str, Any]
    parameters: Sequence[Mapping[str, Any]] = ()

    @property
    def executed(self) -> bool:
        """Return whether the rule looked at anything: it was configured, and it did not crash."""
        return self.reason_code not in (NOT_CONFIGURED, RULE_ERROR, NO_RULES_CONFIGURED)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "rule": self.rule,
            "status": self.status.value,
            "severity": self.severity.value,
            "owner": self.owner.value,
            "reason_code": self.reason_code,
            "reason": self.reason,
            "tags": list(self.tags),
            "details": dict(self.details),
        }


def numbers(observed: object, threshold: float | None, margin: float | None) -> dict[str, Any]:
    """Return the three details that every result has; a positive margin is the good side, None where there is none."""
    return {"observed": observed, "threshold": threshold, "margin": margin}
