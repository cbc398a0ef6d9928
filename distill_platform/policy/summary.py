"""The summary of a run's rule results: one verdict, and how far it goes by that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from distill_platform.policy.rules.result import RuleResult
from distill_platform.policy.words import RecommendedStage, Severity, Status

_RECOMMENDED = {
    Status.FAIL: RecommendedStage.BACKTEST_ONLY,
    Status.WARN: RecommendedStage.PAPER_ONLY,
    Status.PASS: RecommendedStage.PAPER_OK_LIVE_CANDIDATE,
}


@dataclass(frozen=True)
class Summary:
    """The verdict. It recommends; a named person decides."""

    status: Status

    @property
    def recommended_stage(self) -> RecommendedStage:
        """Return how far the run may go by its verdict alone."""
        return _RECOMMENDED[self.status]

    def to_dict(self) -> dict[str, str]:
        """Return the summary as a JSON value."""
        return {"status": self.status.value, "recommended_stage": self.recommended_stage.value}


def summarize(results: Iterable[RuleResult]) -> Summary:
    """Return fail for any blocking failure or when no rule was executed, else warn for anything short of a pass."""
    results = tuple(results)
    if not any(result.executed for result in results):
        return Summary(Status.FAIL)
    if any(result.status is Status.FAIL and result.severity is Severity.BLOCKING for result in results):
        return Summary(Status.FAIL)
    if any(result.status is not Status.PASS for result in results):
        return Summary(Status.WARN)
    return Summary(Status.PASS)
