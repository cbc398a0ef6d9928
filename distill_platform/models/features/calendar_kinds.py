"""Features of the calendar: the UTC time of day and of week at which a bar ends, as points on a circle."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from distill_platform.models.features.kind import FeatureGroup, feature_kind
from distill_platform.models.features.observed import Observed
from distill_platform.strategies.bars import Panel

_CALENDAR = FeatureGroup.CALENDAR
_DAY_NS = 86_400 * 10**9
_SINCE_MONDAY_NS = 3 * _DAY_NS  # 1970 began on a Thursday


@feature_kind("sine", _CALENDAR, lambda: 1)
def time_of_day_sin(seen: Observed) -> Panel:
    """Return the sine of the time of day, a day being one turn from midnight UTC."""
    return _circle(seen, math.sin, _DAY_NS)


@feature_kind("cosine", _CALENDAR, lambda: 1)
def time_of_day_cos(seen: Observed) -> Panel:
    """Return the cosine of the time of day, a day being one turn from midnight UTC."""
    return _circle(seen, math.cos, _DAY_NS)


@feature_kind("sine", _CALENDAR, lambda: 1)
def time_of_week_sin(seen: Observed) -> Panel:
    """Return the sine of the time of week, a week being one turn from Monday midnight UTC."""
    return _circle(seen, math.sin, 7 * _DAY_NS)


@feature_kind("cosine", _CALENDAR, lambda: 1)
def time_of_week_cos(seen: Observed) -> Panel:
    """Return the cosine of the time of week, a week being one turn from Monday midnight UTC."""
    return _circle(seen, math.cos, 7 * _DAY_NS)


def _circle(seen: Observed, function: Callable[[float], float], turn_ns: int) -> Panel:
    moments, places = np.unique((seen.grid.ts + _SINCE_MONDAY_NS) % turn_ns, return_inverse=True)
    points = np.array([function(2.0 * math.pi * (moment / turn_ns)) for moment in moments.tolist()])
    return seen.everywhere(points[places])
