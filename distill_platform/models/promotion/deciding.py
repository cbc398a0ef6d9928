"""Deciding: one answer on a promotion, with everything that stands in its way, never the first thing only.

The decision recommends. Nothing is served by it: a named person decides on each step of the rollout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from distill_platform.core.canon import sig_hash
from distill_platform.models.promotion.case import PromotionCase
from distill_platform.models.promotion.comparing import Comparison, compare, comparison_reasons, result_reasons
from distill_platform.models.promotion.contenders import contenders_of, excluded
from distill_platform.models.promotion.contract import contract_reasons, window_reasons
from distill_platform.models.promotion.reasons import Reason
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.models.promotion.trust import book_reasons, finding_reasons, verdict_reasons


class PromotionStatus(StrEnum):
    """What is decided on a candidate."""

    RECOMMENDED = "recommended"
    REFUSED = "refused"


@dataclass(frozen=True)
class PromotionDecision:
    """The answer, all reasons against a candidate that is refused, and the numbers that were compared.

    `excluded` counts the runs that did not count, by what they did not count by; they change nothing else. `asks_less`
    is the case's.
    """

    status: PromotionStatus
    artifact_sha256: str
    reasons: tuple[Reason, ...]
    comparisons: tuple[Comparison, ...] = field(repr=False)
    excluded: Mapping[str, int]
    asks_less: tuple[str, ...] = ()

    @property
    def is_recommended(self) -> bool:
        """Return whether the candidate may be tried."""
        return self.status is PromotionStatus.RECOMMENDED

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as a JSON value."""
        return {
            "status": self.status.value,
            "artifact_sha256": self.artifact_sha256,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
            "excluded": dict(self.excluded),
            "asks_less": list(self.asks_less),
        }

    @property
    def sha256(self) -> str:
        """Return the hash of what was decided and on which numbers; runs that did not count leave it as it is."""
        return sig_hash({**self.to_dict(), "excluded": {}})


def decide_promotion(case: PromotionCase, settings: PromotionSettings) -> PromotionDecision:
    """Return whether a candidate is recommended, or refused with all reasons.

    It is recommended when nothing at all speaks against it: what is missing, unknown or not a number does. It has to
    have earned more than each of two control arms or more, in the validation and in the forward window, after costs,
    surely enough and without falling deeper. The same case gives the same decision to the bit.
    """
    contenders = contenders_of(case)
    comparisons = compare(case, contenders, settings)
    reasons = (
        *contenders.reasons,
        *contract_reasons(case, contenders),
        *window_reasons(contenders),
        *result_reasons(contenders, settings),
        *comparison_reasons(comparisons, settings),
        *verdict_reasons(case.verdict, settings),
        *finding_reasons(case.findings, settings),
        *book_reasons(case, contenders),
    )
    status = PromotionStatus.REFUSED if reasons else PromotionStatus.RECOMMENDED
    decided = status, case.candidate.artifact_sha256, reasons, comparisons
    return PromotionDecision(*decided, excluded(case), case.asks_less)
