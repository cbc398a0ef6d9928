"""Labels: what came after a moment, by the clock."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.core.config import StrictModel
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.windows import ratio
from distill_platform.policy.spelling import word_of
from distill_platform.strategies.bars import Panel


class LabelKind(StrEnum):
    """What a label says about the log return over the horizon."""

    SCALED_RETURN = "scaled_return"
    """The return in standard deviations that were known at the moment: comparable between symbols and years."""
    LOG_RETURN = "log_return"
    """The return itself."""


class LabelSettings(StrictModel):
    """Over how many bars a label looks ahead, and over how many back for the deviation that it is scaled by."""

    kind: Annotated[LabelKind, word_of(LabelKind)] = LabelKind.SCALED_RETURN
    horizon_bars: Annotated[int, Field(ge=1, le=5_000)] = 24
    sigma_bars: Annotated[int, Field(ge=2, le=5_000)] = 168


def horizon_ns(grid: BarGrid, settings: LabelSettings) -> int:
    """Return how long after its moment a label is known, in nanoseconds."""
    return settings.horizon_bars * grid.interval_ns


def labels(grid: BarGrid, settings: LabelSettings) -> Panel:
    """Return (log close[ts + h] - log close[ts]) / sigma(ts), shape (T, N), h being the horizon by the clock.

    sigma(ts) is the standard deviation (ddof=1) of the last `sigma_bars` one-bar log returns, times the square root of
    the bars in the horizon: the deviation of a sum of uncorrelated returns.
    The kind log_return is not divided. NaN where the bar at either end is missing, where one that sigma needs is, and
    where prices did not move. The last h rows are NaN: nobody knows yet.
    """
    seen = Observed(grid)
    ahead = np.full(seen.log_close.shape, np.nan)
    horizon = settings.horizon_bars
    if horizon < len(grid):
        ahead[:-horizon] = seen.log_close[horizon:] - seen.log_close[:-horizon]
    if settings.kind == LabelKind.LOG_RETURN:
        return ahead
    return ratio(ahead, seen.windowed_returns(settings.sigma_bars).spread * math.sqrt(horizon))
