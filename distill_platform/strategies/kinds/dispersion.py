"""Dispersion: how widely values spread, and how far out the newest one lies."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.strategies.kinds.kind import Panel, Params, node_kind, panel
from distill_platform.strategies.kinds.rolling import rolling_moments


class Sample(Params):
    """How many bars; a spread takes two."""

    window: Annotated[int, Field(ge=2, le=10_000)]


@node_kind("volatility", ports=(panel("returns"),), params=Sample, example={"window": 20})
def volatility(params: Sample, returns: Panel) -> Panel:
    """Return the standard deviation (ddof=1) of the last `window` returns, per bar, not annualized."""
    return rolling_moments(returns, params.window)[1]


@node_kind("z_score", ports=(panel("value"),), params=Sample, neutral=0.0, example={"window": 20})
def z_score(params: Sample, value: Panel) -> Panel:
    """Return the value less the mean of the last `window`, in standard deviations (ddof=1); NaN if all are equal."""
    mean, deviation = rolling_moments(value, params.window)
    return (value - mean) / np.where(deviation > 0.0, deviation, np.nan)
