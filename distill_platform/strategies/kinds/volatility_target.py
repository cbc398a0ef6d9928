"""Volatility target: smaller positions in rough markets, larger ones in calm markets."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import Panel, Params, Schema, node_kind, panel, target
from distill_platform.strategies.kinds.limits import RISK


class VolatilityTarget(Params):
    """The volatility to aim at, the past to judge from, and how far weights may be scaled up."""

    annual_volatility: Annotated[float, Field(gt=0.0, le=5.0)]
    window: Annotated[int, Field(ge=2, le=10_000)]
    periods_per_year: Annotated[float, Field(gt=0.0, le=1e7)]
    max_scale: Annotated[float, Field(gt=0.0, le=20.0)] = 1.0


@node_kind(
    "volatility_target", roles=RISK, ports=(target(), panel("returns")), output=Schema.TARGET, params=VolatilityTarget,
    example={"annual_volatility": 0.1, "window": 60, "periods_per_year": 252, "max_scale": 2.0},
)  # fmt: skip
def volatility_target(params: VolatilityTarget, target: Panel, returns: Panel) -> Panel:
    """Return the target scaled so that, held over the last `window` bars, it would have had `annual_volatility`.

    The scale is the same for all symbols and never above `max_scale`. A symbol without a return in each bar of the
    window has no position; nothing has, while weights are held that would not have moved at all. O(T N window).
    """
    out = np.full(target.shape, math.nan)
    per_bar = params.annual_volatility / math.sqrt(params.periods_per_year)
    _aim(target, returns, params.window, per_bar, params.max_scale, out)
    return out


@kernel
def _aim(target: Panel, returns: Panel, window: int, per_bar: float, max_scale: float, out: Panel) -> None:
    n_rows, width = target.shape
    known = np.zeros(width, np.int64)  # how many returns in a row
    made = np.zeros(window)
    weights = np.zeros(width)
    for row in range(n_rows):
        held = False
        for column in range(width):
            known[column] = 0 if math.isnan(returns[row, column]) else known[column] + 1
            usable = known[column] >= window and not math.isnan(target[row, column])
            weights[column] = target[row, column] if usable else 0.0
            held = held or weights[column] != 0.0
        if row < window - 1:
            continue
        for back in range(window):
            total = 0.0
            for column in range(width):
                if weights[column] != 0.0:
                    total += weights[column] * returns[row - window + 1 + back, column]
            made[back] = total
        moved = made.max() > made.min()
        if held and not moved:
            continue
        deviations = made - made.mean()
        deviation = math.sqrt(np.sum(deviations * deviations) / (window - 1))
        scale = min(max_scale, per_bar / deviation) if deviation > 0.0 else 0.0
        for column in range(width):
            if known[column] >= window:
                out[row, column] = weights[column] * scale
