"""Schedules: trade less often than opinions change."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.kernel import kernel
from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds.kind import BarCount, Panel, Params, Schema, node_kind, target

_CALMING = frozenset({SemanticRole.INTENT, SemanticRole.RISK_SHELL})


class Every(Params):
    """How many bars from one rebalancing to the next, counted from the first bar."""

    every: BarCount


@node_kind("rebalance", roles=_CALMING, ports=(target(),), output=Schema.TARGET, params=Every, example={"every": 21})
def rebalance(params: Every, target: Panel) -> Panel:
    """Return the target of the last bar whose number is a multiple of `every`; unknown then or now is no position."""
    latest = np.arange(len(target)) // params.every * params.every
    return target[latest]


class Tolerance(Params):
    """How far a weight may be off before it is traded, as a fraction of equity."""

    band: Annotated[float, Field(gt=0.0, le=1.0)]


@node_kind(
    "no_trade_band", roles=_CALMING, ports=(target(),), output=Schema.TARGET, params=Tolerance, example={"band": 0.02}
)
def no_trade_band(params: Tolerance, target: Panel) -> Panel:
    """Return the weight held so far until the target is more than `band` away from it or is 0; then the target."""
    held = np.zeros(target.shape)
    _tolerate(target, params.band, held)
    return held


@kernel
def _tolerate(target: Panel, band: float, held: Panel) -> None:
    n_rows, width = target.shape
    now = np.zeros(width)
    for row in range(n_rows):
        for column in range(width):
            wanted = 0.0 if math.isnan(target[row, column]) else target[row, column]
            if wanted == 0.0 or abs(wanted - now[column]) > band:
                now[column] = wanted
            held[row, column] = now[column]
