"""Gates: when to listen to a signal at all. An unknown gate is a closed one."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from distill_platform.strategies.kinds.averages import Window
from distill_platform.strategies.kinds.kind import NoParams, Panel, Params, Schema, gate, node_kind, panel
from distill_platform.strategies.kinds.rolling import rolling_mean, rolling_rank

Regime = Literal["low", "mid", "high"]


class Regimes(Params):
    """Which thirds of its own past, over how many bars."""

    lookback: Annotated[int, Field(ge=3, le=10_000)]
    open_in: Annotated[list[Regime], Field(min_length=1, max_length=3)]


@node_kind(
    "regime_filter", ports=(panel("value"),), output=Schema.GATE, params=Regimes, neutral=1.0,
    example={"lookback": 252, "open_in": ["low", "mid"]},
)  # fmt: skip
def regime_filter(params: Regimes, value: Panel) -> Panel:
    """Return an open gate where the value lies in one of the thirds `open_in` of its own last `lookback` values."""
    ranks = rolling_rank(value, params.lookback)
    third = np.minimum(np.floor(ranks * 3.0), 2.0)
    wanted = [float(("low", "mid", "high").index(name)) for name in params.open_in]
    return _gate(np.isin(third, wanted), ranks)


@node_kind(
    "trend_filter", ports=(panel("price"),), output=Schema.GATE, params=Window, neutral=1.0, example={"window": 200}
)
def trend_filter(params: Window, price: Panel) -> Panel:
    """Return an open gate where the price is above the mean of its last `window`."""
    average = rolling_mean(price, params.window)
    return _gate(price > average, average)


class Bounds(Params):
    """An interval, bounds included; null is no bound."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Bounds:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both: without bounds a gate is always open")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} must not be above max {self.max}")
        return self


@node_kind("between", ports=(panel("value"),), output=Schema.GATE, params=Bounds, neutral=1.0, example={"min": 0.0})
def between(params: Bounds, value: Panel) -> Panel:
    """Return an open gate where the value is at least `min` and at most `max`."""
    low = -np.inf if params.min is None else params.min
    high = np.inf if params.max is None else params.max
    return _gate((value >= low) & (value <= high), value)


@node_kind("above", ports=(panel("first"), panel("second")), output=Schema.GATE, neutral=1.0)
def above(params: NoParams, first: Panel, second: Panel) -> Panel:
    """Return an open gate where the first value is above the second."""
    return _gate(first > second, first + second)


@node_kind("all_open", ports=(gate("gate"),), output=Schema.GATE, variadic=True, neutral=1.0)
def all_open(params: NoParams, *gates: Panel) -> Panel:
    """Return an open gate where every gate is open."""
    least: Panel = np.minimum.reduce(gates)
    return least


@node_kind("inverse", ports=(gate("gate"),), output=Schema.GATE, neutral=1.0)
def inverse(params: NoParams, gate: Panel) -> Panel:
    """Return an open gate where the gate is closed, and a closed one where it is open."""
    return 1.0 - gate


@node_kind("when_open", ports=(panel("value"), gate("gate")), neutral=0.0)
def when_open(params: NoParams, value: Panel, gate: Panel) -> Panel:
    """Return the value where the gate is open, and 0 where it is closed."""
    return np.where(gate == 1.0, value, 0.0)


@node_kind("only_where_open", ports=(panel("value"), gate("gate")), neutral=0.0)
def only_where_open(params: NoParams, value: Panel, gate: Panel) -> Panel:
    """Return the value where the gate is open, and NaN where it is closed: those symbols are not compared at all."""
    return np.where(gate == 1.0, value, np.nan)


def _gate(is_open: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], known: Panel) -> Panel:
    return np.where(np.isnan(known), np.nan, is_open)
