"""data_currency and sample: is there enough to judge by, and is it fresh?"""

from __future__ import annotations

from typing import Annotated, ClassVar

from distill_platform.policy.rules.block import Amount, Fraction, RuleBlock
from distill_platform.policy.rules.bound import AtLeast, AtMost
from distill_platform.policy.words import Owner, Severity


class DataCurrency(RuleBlock):
    """The data reaches near enough to its arrival, and has few holes."""

    rule: ClassVar[str] = "data_currency"
    default_severity: ClassVar[Severity] = Severity.BLOCKING
    default_owner: ClassVar[Owner] = Owner.OPS

    max_lag_s: Annotated[Amount | None, AtMost("sample.data_lag_s")] = None
    min_coverage: Annotated[Fraction | None, AtLeast("sample.data_coverage")] = None


class Sample(RuleBlock):
    """There are enough days, trades and runs."""

    rule: ClassVar[str] = "sample"
    default_severity: ClassVar[Severity] = Severity.BLOCKING
    default_owner: ClassVar[Owner] = Owner.QUANT

    min_effective_years: Annotated[Amount | None, AtLeast("sample.effective_history_years")] = None
    min_observation_days: Annotated[Amount | None, AtLeast("sample.observation_days")] = None
    min_trades_total: Annotated[Amount | None, AtLeast("sample.n_trades_total")] = None
    min_trades_per_year: Annotated[Amount | None, AtLeast("sample.n_trades_per_year")] = None
    min_completed_runs: Annotated[Amount | None, AtLeast("sample.completed_runs")] = None
