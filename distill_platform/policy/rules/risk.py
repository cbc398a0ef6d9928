"""risk_constraint and portfolio: can it be traded, and what does it do to the risk that is held already?"""

from __future__ import annotations

from typing import Annotated, ClassVar

from distill_platform.policy.rules.block import Amount, Fraction, Number, RuleBlock
from distill_platform.policy.rules.bound import AtLeast, AtMost
from distill_platform.policy.words import Owner, Severity


class RiskConstraint(RuleBlock):
    """The market can bear the strategy's orders."""

    rule: ClassVar[str] = "risk_constraint"
    default_severity: ClassVar[Severity] = Severity.BLOCKING
    default_owner: ClassVar[Owner] = Owner.RISK

    max_adv_utilization_p95: Annotated[Fraction | None, AtMost("risk.adv_utilization_p95")] = None
    max_participation_rate_p95: Annotated[Fraction | None, AtMost("risk.participation_rate_p95")] = None
    max_reject_rate: Annotated[Fraction | None, AtMost("risk.reject_rate")] = None
    max_turnover_annual: Annotated[Amount | None, AtMost("risk.turnover_annual")] = None


class Portfolio(RuleBlock):
    """The portfolio is better with the strategy than without it. An incremental risk below 0 is a relief."""

    rule: ClassVar[str] = "portfolio"
    default_severity: ClassVar[Severity] = Severity.SOFT
    default_owner: ClassVar[Owner] = Owner.RISK

    max_incremental_var_99: Annotated[Number | None, AtMost("risk.incremental_var_99")] = None
    max_incremental_es_99: Annotated[Number | None, AtMost("risk.incremental_es_99")] = None
    min_portfolio_sharpe_uplift: Annotated[Number | None, AtLeast("portfolio.portfolio_sharpe_uplift")] = None
