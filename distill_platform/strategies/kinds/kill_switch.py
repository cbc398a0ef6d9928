"""Kill switch: out of the market after a fall of the strategy's own equity."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import BarCount, Panel, Params, Schema, node_kind, panel, target
from distill_platform.strategies.kinds.limits import RISK


class KillSwitch(Params):
    """How deep a fall is too deep, and for how many bars to stay out; null is for ever."""

    max_drawdown: Annotated[float, Field(gt=0.0, lt=1.0)]
    cooldown: BarCount | None = None


@node_kind(
    "drawdown_kill_switch", roles=RISK, ports=(target(), panel("price")), output=Schema.TARGET, params=KillSwitch,
    example={"max_drawdown": 0.2, "cooldown": 60},
)  # fmt: skip
def drawdown_kill_switch(params: KillSwitch, target: Panel, price: Panel) -> Panel:
    """Return the target, and no position for `cooldown` bars once equity is `max_drawdown` or more below its peak.

    Equity is what this node's own targets made from close to close before costs, from 1.0 on: the target of one bar
    times the return to the next. Where a price is missing, what is held stays held and its return comes with the next
    price. After the cooldown the peak starts anew. When all equity is lost (0 or less), it is over.
    """
    out = np.zeros(target.shape)
    cooldown = len(target) if params.cooldown is None else params.cooldown
    _guard(target, price, params.max_drawdown, cooldown, out)
    return out


@kernel
def _guard(target: Panel, price: Panel, max_drawdown: float, cooldown: int, out: Panel) -> None:
    n_rows, width = target.shape
    last = np.full(width, math.nan)
    held = np.zeros(width)
    equity = peak = 1.0
    resume = 0
    for row in range(n_rows):
        gain = 0.0
        for column in range(width):
            now = price[row, column]
            if math.isnan(now):
                continue
            if held[column] != 0.0 and not math.isnan(last[column]):
                gain += held[column] * (now / last[column] - 1.0)
            last[column] = now
        equity *= 1.0 + gain
        peak = max(peak, equity)
        if row == resume:
            peak = equity
        if row >= resume and not equity > peak * (1.0 - max_drawdown):
            resume = row + cooldown
        if not equity > 0.0:
            resume = n_rows
        for column in range(width):
            if not math.isnan(price[row, column]):
                open_for_it = row >= resume and not math.isnan(target[row, column])
                held[column] = target[row, column] if open_for_it else 0.0
                out[row, column] = held[column]
