"""Information: what a model gained out of sample by one more kind of input, with its interval, gain or loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats, TrainingFrame
from distill_platform.stats import bootstrap_mean, rank_correlation, utc_days

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


def daily_net(daily: pa.Table) -> DailyValues:
    """Return the net profit of each day of a run, as a fraction of equity, from its bundle's `daily` table."""
    return DailyValues(daily["day"].to_numpy().astype("datetime64[D]"), daily["ret_net"].to_numpy())


def daily_rank_ic(frame: TrainingFrame, scores: Floats) -> DailyValues:
    """Return the rank correlation of scores, shape (N,), and labels over the rows of each UTC day.

    Rows without a score or a label are left out; NaN for a day on which nothing can be ordered.
    """
    known = frame.is_trainable & np.isfinite(scores)
    if not known.any():
        return DailyValues(np.empty(0, dtype="datetime64[D]"), np.empty(0))
    moments, places = np.unique(frame.features.ts[known], return_inverse=True)
    days, starts = np.unique(utc_days(moments)[places], return_index=True)
    rows = zip(np.split(scores[known], starts[1:]), np.split(frame.label[known], starts[1:]), strict=True)
    return DailyValues(days, np.array([rank_correlation(scored, label) for scored, label in rows]))


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
