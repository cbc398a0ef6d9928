"""Information: what a model gained out of sample by one more kind of input, with its interval, gain or loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats
from distill_platform.stats import bootstrap_mean

LEVEL = 0.95

_FEWEST_DAYS = 10
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class DailyValues:
    """One value per UTC day, such as the day's net profit or rank correlation; `days` ascend, none twice."""

    days: Days
    values: Floats


@dataclass(frozen=True, slots=True)
class InformationValue:
    """The mean daily difference with less without, its 95 % interval, and the p-value of "it adds nothing".

    Units are those of the daily values. Below ten days in common everything but `days` is NaN, and p is 1.
    """

    estimate: float
    low: float
    high: float
    p: float
    days: int


def information_value(
    with_input: DailyValues, without: DailyValues, seed: int = 0, resamples: int = 10_000
) -> InformationValue:
    """Return what the input was worth per day: two models, the same but for it, on the same out-of-sample days.

    Days on which either has no finite value are left out. The interval is that of a stationary bootstrap of the paired
    differences (Politis and Romano 1994), with blocks as long as these need. Raises ModelError for days that do not
    ascend.
    """
    for series in (with_input, without):
        if (np.diff(series.days).astype(np.int64) <= 0).any() or len(series.days) != len(series.values):
            raise ModelError("daily values must have ascending days, none twice, and one value each")
    _, first, second = np.intersect1d(with_input.days, without.days, return_indices=True)
    gains = with_input.values[first] - without.values[second]
    gains = gains[np.isfinite(gains)]
    if len(gains) < _FEWEST_DAYS:
        return InformationValue(np.nan, np.nan, np.nan, 1.0, len(gains))
    found = bootstrap_mean(gains, resamples, seed=seed)
    interval = found.confidence_interval(LEVEL)
    return InformationValue(found.estimate, interval.lower, interval.upper, found.p_value(), len(gains))
