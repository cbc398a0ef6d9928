"""True ranges: how far prices travel within and between bars."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from distill_platform.strategies.kinds.averages import Window
from distill_platform.strategies.kinds.kind import Panel, Params, Schema, node_kind, panel
from distill_platform.strategies.kinds.smoothing import smoothed


@node_kind("atr", ports=(panel("high"), panel("low"), panel("close")), params=Window, example={"window": 14})
def atr(params: Window, high: Panel, low: Panel, close: Panel) -> Panel:
    """Return Wilder's average true range over `window` bars, in units of price.

    The true range is the widest of high - low, |high - last close| and |low - last close|. Wilder (1978). With the
    close for all three it is the smoothed size of close-to-close changes.
    """
    last = np.full_like(close, np.nan)
    last[1:] = close[:-1]
    true_range = np.maximum(high, last) - np.minimum(low, last)
    return smoothed(true_range, 1.0 / params.window, params.window)


class AtrBounds(Params):
    """The range of ATR / price in which the gate is open, bounds included."""

    min_ratio: Annotated[float, Field(ge=0.0)] = 0.0
    max_ratio: Annotated[float, Field(gt=0.0)]

    @model_validator(mode="after")
    def _bounds_in_order(self) -> AtrBounds:
        if self.min_ratio > self.max_ratio:
            raise ValueError(f"min_ratio {self.min_ratio} must not be above max_ratio {self.max_ratio}")
        return self


@node_kind(
    "atr_gate", ports=(panel("atr"), panel("price")), output=Schema.GATE, params=AtrBounds, neutral=1.0,
    example={"min_ratio": 0.005, "max_ratio": 0.04},
)  # fmt: skip
def atr_gate(params: AtrBounds, atr: Panel, price: Panel) -> Panel:
    """Return an open gate where ATR / price lies between `min_ratio` and `max_ratio`."""
    ratio = atr / price
    return np.where(np.isnan(ratio), np.nan, (ratio >= params.min_ratio) & (ratio <= params.max_ratio))
