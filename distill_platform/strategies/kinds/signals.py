"""Signals: from numbers to opinions, and several opinions to one."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import NoParams, Panel, Params, node_kind, panel


class DeadZone(Params):
    """How far from 0 a value must be to count."""

    dead_zone: Annotated[float, Field(ge=0.0)] = 0.0


@node_kind("sign", ports=(panel("value"),), params=DeadZone, neutral=0.0)
def sign(params: DeadZone, value: Panel) -> Panel:
    """Return 1 above `dead_zone`, -1 below minus `dead_zone`, and 0 between."""
    return np.where(np.abs(value) > params.dead_zone, np.sign(value), 0.0)


class Thresholds(Params):
    """Where long begins and where short begins; null is never."""

    long_from: float | None = None
    short_to: float | None = None


@node_kind(
    "threshold", ports=(panel("value"),), params=Thresholds, neutral=0.0,
    example={"long_from": 1.0, "short_to": -1.0},
)  # fmt: skip
def threshold(params: Thresholds, value: Panel) -> Panel:
    """Return 1 at or above `long_from`, -1 at or below `short_to`, else 0; 0 if both hold."""
    long = value >= (math.inf if params.long_from is None else params.long_from)
    short = value <= (-math.inf if params.short_to is None else params.short_to)
    return long.astype(np.float64) - short


class Band(Params):
    """Buy when it is low, sell when it is back; and the other way round where the upper half is given."""

    buy_below: float
    sell_above: float
    short_above: float | None = None
    cover_below: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Band:
        if self.buy_below > self.sell_above:
            raise ValueError(f"buy_below {self.buy_below} must not be above sell_above {self.sell_above}")
        if (self.short_above is None) != (self.cover_below is None):
            raise ValueError("short_above and cover_below go together")
        if self.short_above is not None and self.cover_below is not None:
            if self.cover_below > self.short_above:
                raise ValueError(f"cover_below {self.cover_below} must not be above short_above {self.short_above}")
            if self.short_above <= self.buy_below:
                raise ValueError(f"short_above {self.short_above} must be above buy_below {self.buy_below}")
        return self


@node_kind(
    "reversion_band", ports=(panel("value"),), params=Band, neutral=0.0,
    example={"buy_below": 30.0, "sell_above": 55.0, "short_above": 70.0, "cover_below": 45.0},
)  # fmt: skip
def reversion_band(params: Band, value: Panel) -> Panel:
    """Return 1 from a value below `buy_below` to one above `sell_above`, else 0.

    And -1 from a value above `short_above` to one below `cover_below`. A value that is missing ends the position.
    """
    short = math.inf if params.short_above is None else params.short_above
    cover = math.inf if params.cover_below is None else params.cover_below
    position = np.full(value.shape, math.nan)
    _revert(value, params.buy_below, params.sell_above, short, cover, position)
    return position


class Factor(Params):
    """What to multiply with; -1 turns an opinion round."""

    factor: float


@node_kind("scale", ports=(panel("value"),), params=Factor, neutral=0.0, example={"factor": -1.0})
def scale(params: Factor, value: Panel) -> Panel:
    """Return the value times `factor`."""
    return value * params.factor


class Limits(Params):
    """The lowest and the highest value to let through."""

    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        if self.low > self.high:
            raise ValueError(f"low {self.low} must not be above high {self.high}")
        return self


@node_kind("clip", ports=(panel("value"),), params=Limits, neutral=0.0, example={"low": -2.0, "high": 2.0})
def clip(params: Limits, value: Panel) -> Panel:
    """Return the value, not below `low` and not above `high`."""
    return np.clip(value, params.low, params.high)


class Weights(Params):
    """One weight for each input; null weighs them equally."""

    weights: Annotated[list[float], Field(min_length=1)] | None = None

    def misfit(self, n_inputs: int) -> str:
        """Return why there is not one weight for each input; empty if there is."""
        if self.weights is None or len(self.weights) == n_inputs:
            return ""
        return f"{len(self.weights)} weights for {n_inputs} inputs"


@node_kind("weighted_sum", ports=(panel("value"),), params=Weights, variadic=True, neutral=0.0)
def weighted_sum(params: Weights, *values: Panel) -> Panel:
    """Return the sum of `weights` x values, or their plain mean; where one is unknown, so is the sum."""
    weights = params.weights or [1.0 / len(values)] * len(values)
    total = np.zeros_like(values[0])
    for weight, value in zip(weights, values, strict=True):
        total += weight * value
    return total


@node_kind("ratio", ports=(panel("numerator"), panel("denominator")))
def ratio(params: NoParams, numerator: Panel, denominator: Panel) -> Panel:
    """Return the first value over the second, NaN where that is 0."""
    return numerator / np.where(denominator == 0.0, math.nan, denominator)


@kernel
def _revert(value: Panel, buy: float, sell: float, short: float, cover: float, position: Panel) -> None:
    n_rows, width = value.shape
    held = np.zeros(width)
    for row in range(n_rows):
        for column in range(width):
            now = value[row, column]
            if math.isnan(now):
                held[column] = 0.0
                continue
            if (held[column] > 0.0 and now > sell) or (held[column] < 0.0 and now < cover):
                held[column] = 0.0
            if held[column] == 0.0:
                held[column] = 1.0 if now < buy else -1.0 if now > short else 0.0
            position[row, column] = held[column]
