"""Channels: breakouts above the highest and below the lowest prices of a while."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import model_validator

from distill_platform.core.kernel import kernel
from distill_platform.strategies.kinds.kind import BarCount, Panel, Params, node_kind, panel
from distill_platform.strategies.kinds.rolling import rolling_max, rolling_min


class Channel(Params):
    """How many earlier bars must be broken to enter, and how many to leave again."""

    entry: BarCount
    exit: BarCount
    side: Literal["long_only", "long_short"] = "long_only"

    @model_validator(mode="after")
    def _exit_within_entry(self) -> Channel:
        if self.exit > self.entry:
            raise ValueError(f"exit {self.exit} must not be longer than entry {self.entry}")
        return self


@node_kind("breakout", ports=(panel("price"),), params=Channel, neutral=0.0, example={"entry": 55, "exit": 20})
def breakout(params: Channel, price: Panel) -> Panel:
    """Return 1 from a break above the highest of `entry` earlier bars to one below the lowest of `exit`; else 0.

    `long_short` also gives -1, the other way round. A bar that is missing ends the position. Donchian's rule.
    """
    earlier = np.full_like(price, math.nan)
    earlier[1:] = price[:-1]
    edges = np.stack(
        [
            rolling_max(earlier, params.entry),
            rolling_min(earlier, params.entry),
            rolling_max(earlier, params.exit),
            rolling_min(earlier, params.exit),
        ]
    )
    position = np.full(price.shape, math.nan)
    _follow(price, edges, params.side == "long_short", position)
    return position


@kernel
def _follow(price: Panel, edges: Panel, short: bool, position: Panel) -> None:
    n_rows, width = price.shape
    held = np.zeros(width)
    for row in range(n_rows):
        for column in range(width):
            value, top, bottom = price[row, column], edges[0, row, column], edges[1, row, column]
            if math.isnan(value) or math.isnan(top):
                held[column] = 0.0
                continue
            if held[column] > 0.0 and value < edges[3, row, column]:
                held[column] = 0.0
            if held[column] < 0.0 and value > edges[2, row, column]:
                held[column] = 0.0
            if value > top:
                held[column] = 1.0
            if short and value < bottom:
                held[column] = -1.0
            position[row, column] = held[column]
