"""Costs and limits: what trading costs and what a venue lets through. Sealed with a run, never searched."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from distill_platform.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CostProfile:
    """Costs in basis points (1e-4). None of them can be negative: a rebate is no reason to trade more.

    `fee_bps` and `slippage_bps` are paid on the traded notional. Slippage is a cost of its own and never part of the
    fill price, so that what a strategy made and what its trading cost can be told apart to the last digit.
    `funding_bps_daily` is paid per day (86,400 s) on the notional held from bar to bar, long and short alike: netting
    them would let a book of hedges carry itself for nothing.
    """

    fee_bps: float = 0.0
    slippage_bps: float = 0.0
    funding_bps_daily: float = 0.0

    def __post_init__(self) -> None:
        for name, bps in asdict(self).items():
            if not 0.0 <= bps < 10_000.0:
                hint = "Costs are basis points: 1 is 0.01 %, and 10,000 would be all that is traded"
                raise ConfigError(f"{name} must be 0 or more and below 10,000, not {bps}", hint=hint)


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """What happens to an order between the decision and the fill. Money is in the currency of the prices.

    `lot_size`: units come in multiples of it, targets are cut toward zero; 0 lets them be any fraction.
    `min_notional`: smaller orders are rejected, exits too, as a venue would. `max_notional`: larger ones are cut.
    `max_participation`: no order takes more than this share of the volume of the bar in which it fills.
    `rebalance_band`: no order while a position is nearer to its target than this share of equity; a target of zero is
    always traded. `inf` is no limit.
    """

    lot_size: float = 0.0
    min_notional: float = 0.0
    max_notional: float = math.inf
    max_participation: float = math.inf
    rebalance_band: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lot_size", "min_notional", "rebalance_band"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be a finite number, 0 or more, not {getattr(self, name)}")
        for name in ("max_notional", "max_participation"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.min_notional > self.max_notional:
            hint = "No order could ever be filled"
            raise ConfigError(f"min_notional {self.min_notional} is above max_notional {self.max_notional}", hint=hint)
