"""robustness and cohort: how much of it is luck and search, and how did its siblings do?"""

from __future__ import annotations

from typing import Annotated, ClassVar

from distill_platform.policy.rules.block import Amount, Count, Fraction, Number, RuleBlock
from distill_platform.policy.rules.bound import AtLeast, AtMost
from distill_platform.policy.words import Owner, Severity

_HALVES = ("robustness.sharpe_first_half", "robustness.sharpe_second_half")


class Robustness(RuleBlock):
    """The result survives being told how often it was tried. The gap is the distance between the two halves."""

    rule: ClassVar[str] = "robustness"
    default_severity: ClassVar[Severity] = Severity.BLOCKING
    default_owner: ClassVar[Owner] = Owner.QUANT

    min_dsr: Annotated[Fraction | None, AtLeast("robustness.deflated_sharpe_ratio")] = None
    min_psr: Annotated[Fraction | None, AtLeast("robustness.probabilistic_sharpe_ratio")] = None
    max_pbo: Annotated[Fraction | None, AtMost("robustness.pbo")] = None
    min_bootstrap_p: Annotated[Fraction | None, AtLeast("robustness.bootstrap_p_positive")] = None
    max_sharpe_gap: Annotated[Amount | None, AtMost("robustness.sharpe_gap", of=_HALVES)] = None


class Cohort(RuleBlock):
    """The runs tried together did well as a whole, and this is one of the best of them."""

    rule: ClassVar[str] = "cohort"
    default_severity: ClassVar[Severity] = Severity.SOFT
    default_owner: ClassVar[Owner] = Owner.RISK

    min_sharpe_median: Annotated[Number | None, AtLeast("cohort.sharpe_median")] = None
    min_dsr_median: Annotated[Fraction | None, AtLeast("cohort.dsr_median")] = None
    top_k: Annotated[Count | None, AtMost("cohort.rank")] = None
