"""Features of volume: how much was traded, and how far that moved the price."""

from __future__ import annotations

import math

import numpy as np

from distill_platform.models.features.kind import FeatureGroup, feature_kind
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.windows import (
    Windowed,
    logarithm,
    ratio,
    shifted,
    window_mean,
    window_sum,
)
from distill_platform.strategies.bars import Panel

_BARS = FeatureGroup.BARS
_MILLION = 1e6


@feature_kind("standard deviations", _BARS, lambda window: window)
def volume_z_score(seen: Observed, window: int) -> Panel:
    """Return volume less its mean over `window` bars, in standard deviations (ddof=1); NaN where it does not vary."""
    volume = Windowed(seen.grid.field("volume"), window)
    return ratio(volume.values - volume.mean, volume.spread)


@feature_kind("log", _BARS, lambda window: 2 * window)
def dollar_volume_change(seen: Observed, window: int) -> Panel:
    """Return the log of the dollar volume of `window` bars by that of the `window` bars before; NaN if one is 0."""
    traded = window_sum(seen.dollar_volume, window)
    return logarithm(np.where((change := ratio(traded, shifted(traded, window))) > 0.0, change, math.nan))


@feature_kind("return per million", _BARS, lambda window: window + 1)
def amihud_illiquidity(seen: Observed, window: int) -> Panel:
    """Return the mean of |log return| per million of dollar volume over `window` bars; NaN where nothing was traded.

    Amihud (2002).
    """
    return window_mean(ratio(np.abs(seen.returns), seen.dollar_volume) * _MILLION, window)


@feature_kind("fraction", _BARS, lambda window: window)
def missing_bars(seen: Observed, window: int) -> Panel:
    """Return the share of the last `window` moments that have no bar; never NaN: before the grid there was none."""
    return _share(seen.missing, window, before=1.0)


@feature_kind("fraction", _BARS, lambda window: window + 1)
def stale_bars(seen: Observed, window: int) -> Panel:
    """Return the share of the last `window` moments whose bar says nothing new; never NaN."""
    return _share(seen.stale, window, before=0.0)


def _share(flags: Panel, window: int, before: float) -> Panel:
    known = np.concatenate([np.full((window - 1, flags.shape[1]), before), flags])
    return window_mean(known, window)[window - 1 :]
