"""Moving averages, and what crosses them."""

from __future__ import annotations

import numpy as np

from distill_platform.strategies.kinds.kind import BarCount, NoParams, Panel, Params, node_kind, panel
from distill_platform.strategies.kinds.rolling import rolling_mean
from distill_platform.strategies.kinds.smoothing import smoothed


class Window(Params):
    """How many bars."""

    window: BarCount


@node_kind("sma", ports=(panel("value"),), params=Window, example={"window": 20})
def sma(params: Window, value: Panel) -> Panel:
    """Return the plain mean of the last `window` values."""
    return rolling_mean(value, params.window)


class Span(Params):
    """How slow: a weight of 2 / (span + 1) on the newest value."""

    span: BarCount


@node_kind("ema", ports=(panel("value"),), params=Span, example={"span": 20})
def ema(params: Span, value: Panel) -> Panel:
    """Return the exponential average with weight 2 / (span + 1), started at the mean of the first `span` values."""
    return smoothed(value, 2.0 / (params.span + 1.0), params.span)


@node_kind("crossover", ports=(panel("fast"), panel("slow")), neutral=0.0)
def crossover(params: NoParams, fast: Panel, slow: Panel) -> Panel:
    """Return 1 where fast is above slow, -1 where it is below, 0 where they are equal."""
    return np.sign(fast - slow)
