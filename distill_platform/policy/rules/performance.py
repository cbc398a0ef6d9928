"""performance and benchmark: is it worth having, by itself and against the market?"""

from __future__ import annotations

from typing import Annotated, ClassVar

from distill_platform.policy.rules.block import Fraction, Number, RuleBlock
from distill_platform.policy.rules.bound import AtLeast, AtMost
from distill_platform.policy.words import Owner, Severity


class Performance(RuleBlock):
    """The strategy earns enough for what it puts its holder through."""

    rule: ClassVar[str] = "performance"
    default_severity: ClassVar[Severity] = Severity.BLOCKING
    default_owner: ClassVar[Owner] = Owner.QUANT

    min_sharpe: Annotated[Number | None, AtLeast("returns.sharpe_daily")] = None
    max_drawdown: Annotated[Fraction | None, AtMost("returns.max_drawdown")] = None
    min_gain_to_pain: Annotated[Number | None, AtLeast("returns.gain_to_pain_ratio")] = None
    max_time_under_water: Annotated[Fraction | None, AtMost("returns.time_under_water_ratio")] = None


class Benchmark(RuleBlock):
    """The strategy beats its benchmark."""

    rule: ClassVar[str] = "benchmark"
    default_severity: ClassVar[Severity] = Severity.SOFT
    default_owner: ClassVar[Owner] = Owner.QUANT

    min_vs_benchmark_sharpe: Annotated[Number | None, AtLeast("benchmark.vs_benchmark_sharpe")] = None
