"""Returns and momentum: how far a price has come."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from distill_platform.strategies.kinds.kind import BarCount, Panel, Params, node_kind, panel


class Horizon(Params):
    """Over how many bars, and whether as a ratio or as a logarithm."""

    horizon: BarCount = 1
    method: Literal["simple", "log"] = "simple"


@node_kind("returns", ports=(panel("price"),), params=Horizon, neutral=0.0)
def returns(params: Horizon, price: Panel) -> Panel:
    """Return the return over `horizon` bars, simple or log."""
    ratio = _ratio(price, params.horizon, 0)
    return ratio - 1.0 if params.method == "simple" else np.log(ratio)


class Momentum(Params):
    """From `lookback` bars ago to `skip` bars ago."""

    lookback: BarCount
    skip: Annotated[int, Field(ge=0, le=10_000)] = 0

    @model_validator(mode="after")
    def _lookback_beyond_skip(self) -> Momentum:
        if self.lookback <= self.skip:
            raise ValueError(f"lookback {self.lookback} must be longer than skip {self.skip}")
        return self


@node_kind("momentum", ports=(panel("price"),), params=Momentum, neutral=0.0, example={"lookback": 252, "skip": 21})
def momentum(params: Momentum, price: Panel) -> Panel:
    """Return the simple return from `lookback` bars ago to `skip` bars ago (12-1 momentum on days: 252 and 21)."""
    return _ratio(price, params.lookback, params.skip) - 1.0


def _ratio(price: Panel, lookback: int, skip: int) -> Panel:
    ratio = np.full(price.shape, np.nan)
    if lookback < len(price):
        ratio[lookback:] = price[lookback - skip : len(price) - skip] / price[: len(price) - lookback]
    return ratio
