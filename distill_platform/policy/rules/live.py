"""paper_shadow_consistency and live_monitoring: does it do outside what it did in the laboratory?"""

from __future__ import annotations

from typing import Annotated, ClassVar

from distill_platform.policy.rules.block import Amount, Count, Fraction, Number, RuleBlock
from distill_platform.policy.rules.bound import AtLeast, AtMost
from distill_platform.policy.words import Owner, Severity


class PaperShadowConsistency(RuleBlock):
    """The paper run resembles the strategy's latest backtest."""

    rule: ClassVar[str] = "paper_shadow_consistency"
    default_severity: ClassVar[Severity] = Severity.SOFT
    default_owner: ClassVar[Owner] = Owner.OPS

    min_sharpe_ratio: Annotated[Number | None, AtLeast("live.backtest_sharpe_ratio")] = None
    max_drawdown_ratio: Annotated[Amount | None, AtMost("live.backtest_drawdown_ratio")] = None
    max_var_ratio: Annotated[Amount | None, AtMost("live.backtest_var_ratio")] = None
    max_es_ratio: Annotated[Amount | None, AtMost("live.backtest_es_ratio")] = None


class LiveMonitoring(RuleBlock):
    """The strategy still works; figures over fewer days than the look-back are too few to say so."""

    rule: ClassVar[str] = "live_monitoring"
    default_severity: ClassVar[Severity] = Severity.SOFT
    default_owner: ClassVar[Owner] = Owner.RISK

    lookback_days: Annotated[Count | None, AtLeast("live.days")] = None
    min_live_sharpe: Annotated[Number | None, AtLeast("live.sharpe")] = None
    max_live_drawdown: Annotated[Fraction | None, AtMost("live.max_drawdown")] = None
    min_decay_ratio: Annotated[Number | None, AtLeast("live.decay_ratio")] = None
