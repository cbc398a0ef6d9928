"""A rule of a profile, ready to judge runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from distill_platform.policy.rules.block import RuleBlock
from distill_platform.policy.rules.bound import Bound, Details, Finding, Metrics, Parameters
from distill_platform.policy.rules.result import (
    MISSING_METRIC,
    NOT_CONFIGURED,
    OK,
    RULE_ERROR,
    RuleResult,
    numbers,
)
from distill_platform.policy.words import Owner, Severity, Status


@dataclass(frozen=True)
class Rule:
    """A rule with its bounds, whom it tells how loudly, and what a missing metric and a crash come to."""

    name: str
    severity: Severity
    owner: Owner
    bounds: tuple[Bound, ...]
    on_missing: Status = Status.FAIL
    on_error: Status = Status.FAIL

    @property
    def configured(self) -> bool:
        """Return whether the rule bounds anything."""
        return bool(self.bounds)

    def judge(self, metrics: Metrics) -> tuple[RuleResult, ...]:
        """Return the rule's verdicts on a run: one, or one for each bound that does not hold, what fails first.

        A metric that is there but unusable fails whatever the world says of missing ones; a rule that crashes has a
        verdict too.
        """
        if not self.bounds:
            return self._not_configured
        try:
            return self._conclude([bound.judge(metrics) for bound in self.bounds])
        except Exception as error:  # noqa: BLE001 - whatever went wrong, a crashed rule is not a pass
            reason = f"the rule crashed: {type(error).__name__}: {error}"[:300]
            return (self._result(self.on_error, RULE_ERROR, reason, (RULE_ERROR,), numbers(None, None, None)),)

    def _conclude(self, findings: Sequence[Finding]) -> tuple[RuleResult, ...]:
        wrong = [finding for finding in findings if finding.code]
        if not wrong:
            nearest = min(findings, key=Finding.closeness) if len(findings) > 1 else findings[0]
            return (self._result(Status.PASS, OK, self._all_hold, nearest.bound.tags, Details(nearest), findings),)
        if self.on_missing is not Status.FAIL:
            wrong.sort(key=lambda finding: finding.code == MISSING_METRIC)
        first, *more = wrong
        beside = [finding for finding in findings if not finding.code or finding is first] if findings[1:] else findings
        return (self._broken(first, beside), *[self._broken(finding, (finding,)) for finding in more])

    def _broken(self, finding: Finding, shown: Sequence[Finding]) -> RuleResult:
        bound, code = finding.bound, finding.code
        status = self.on_missing if code == MISSING_METRIC else Status.FAIL
        return self._result(status, code, finding.sentence(), (code, *bound.tags), Details(finding), shown)

    @cached_property
    def _all_hold(self) -> str:
        return "the bound holds" if len(self.bounds) == 1 else f"all {len(self.bounds)} bounds hold"

    @cached_property
    def _not_configured(self) -> tuple[RuleResult, ...]:
        reason, tags = f"not configured: the profile sets no parameter of {self.name}", (NOT_CONFIGURED,)
        nothing = numbers(None, None, None)
        return (RuleResult(self.name, Status.PASS, Severity.INFO, self.owner, NOT_CONFIGURED, reason, tags, nothing),)

    def _result(
        self,
        status: Status,
        code: str,
        reason: str,
        tags: tuple[str, ...],
        details: Mapping[str, Any],
        shown: Sequence[Finding] = (),
    ) -> RuleResult:
        parameters = Parameters(shown)
        return RuleResult(self.name, status, self.severity, self.owner, code, reason, tags, details, parameters)


def compile_rule(block: RuleBlock, on_missing: Status, on_error: Status) -> Rule:
    """Return the rule that a block with everything filled in declares."""
    severity, owner = block.severity or block.default_severity, block.owner or block.default_owner
    return Rule(block.rule, severity, owner, block.bounds(), on_missing, on_error)
