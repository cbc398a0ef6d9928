"""Days: returns of bars put together by the UTC day they cover, and the Sharpe ratio everybody can compare.

Bars are stamped with their end, and one that ends at midnight is the last of the day before. Putting it into the next
day moves the daily Sharpe ratio of our reference bars from 4.17 to 3.07.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.core.utc import parse_utc
from distill_platform.stats.moments import observed
from distill_platform.stats.residue import is_residue
from distill_platform.stats.series import Series
from distill_platform.stats.sharpe import annual_factor, sharpe

DAILY_METHOD = "daily_agg_v1"
"""Names the rules of this module: whoever changes them gives them another name."""

Days = npt.NDArray[np.datetime64]
Integers = npt.NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400 * 10**9
_BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}(\d+)")


def utc_days(ts_end: Any) -> Days:
    """Return the UTC day that each bar covers, floor(end - 1 ns), shape (T,), datetime64[D].

    Ends are ISO 8601 texts or datetimes, all with a zone, or numpy datetime64 (UTC), or integers, nanoseconds since
    1970-01-01T00:00Z; to the nanosecond in each case. O(T).

    Raises ValueError for ends without a zone, not a time, out of range, not later than the one before, or none.
    """
    ends = _nanoseconds(ts_end)
    if len(ends) == 0:
        raise ValueError("ts_end holds no time stamps; pass at least one")
    late = ends[1:] <= ends[:-1]
    if late.any():
        place = int(np.argmax(late)) + 1
        raise ValueError(f"ts_end[{place}] is not later than the one before; sort the bars and drop duplicates")
    return ((ends - 1) // _DAY).astype("datetime64[D]")


def daily_returns_utc(ts_end: Any, returns: Any, compound: bool = True, fill_missing: bool = True) -> Series:
    """Return one return per UTC day, oldest first, from `returns`, shape (T,), of bars that end at `ts_end`.

    A day compounds the returns of its bars, prod(1 + r) - 1, or sums them. Days without bars between the first and the
    last return 0, or are left out without `fill_missing`; `utc_days` tells which days there are. O(T).

    Raises ValueError as `utc_days` does, for lengths that differ, NaN, infinities, and returns below -1 to compound.
    """
    days, series = _bars(ts_end, returns, compound)
    return _aggregate(days, series, compound, fill_missing)


def sharpe_daily_annualized(
    ts_end: Any,
    returns: Any,
    compound: bool = True,
    periods_per_year: float = 365.0,
    *,
    ddof: int = 1,
    fill_missing: bool = True,
) -> float:
    """Return the Sharpe ratio of `daily_returns_utc` by the year: times sqrt(periods_per_year), 365 days by default.

    This is the ratio to compare strategies by, whatever their bars (`DAILY_METHOD`). 365 asks for every day of the
    calendar: without `fill_missing`, pass the number of days that trade. NaN if daily returns vary no more than their
    rounding, and unless there are more than `ddof` days. O(T). Errors: `daily_returns_utc`, `sharpe_annualized`.
    """
    factor = annual_factor(periods_per_year)
    days, series = _bars(ts_end, returns, compound)
    daily = _aggregate(days, series, compound, fill_missing)
    ratio = sharpe(daily, ddof=ddof) * factor
    return float("nan") if is_residue(daily, _magnitude(days, series, compound)) else ratio


def _bars(ts_end: Any, returns: Any, compound: bool) -> tuple[Integers, Series]:
    """Return the day number of each bar and its return."""
    days, series = utc_days(ts_end).astype(np.int64), observed(returns)
    if len(days) != len(series):
        raise ValueError(f"ts_end and returns must have one length, not {len(days)} and {len(series)}")
    if compound and series.min() < -1.0:
        place = int(np.argmin(series))
        raise ValueError(f"returns[{place}] is {series[place]}: more than everything cannot be lost when compounding")
    return days, series


def _aggregate(days: Integers, series: Series, compound: bool, fill_missing: bool) -> Series:
    starts = _first_bars(days)
    found = np.multiply.reduceat(1.0 + series, starts) - 1.0 if compound else np.add.reduceat(series, starts)
    if not fill_missing:
        return found
    daily = np.zeros(int(days[-1] - days[0]) + 1)
    daily[days[starts] - days[0]] = found
    return daily


def _first_bars(days: Integers) -> Integers:
    """Return the position of each day's first bar."""
    return np.flatnonzero(np.diff(days, prepend=days[0] - 1))


def _magnitude(days: Integers, series: Series, compound: bool) -> float:
    """Return how large the terms are from which a daily return is rounded, over all bars of the day."""
    starts = _first_bars(days)
    most_bars = int(np.diff(starts, append=len(days)).max())
    growth = np.multiply.reduceat(1.0 + series, starts) if compound else np.add.reduceat(np.abs(series), starts)
    return most_bars * float(growth.max())


def _nanoseconds(ts_end: Any) -> Integers:
    stamps = np.asarray(ts_end)
    if stamps.ndim != 1:
        raise ValueError(f"ts_end must have one dimension, not {stamps.ndim}")
    if stamps.dtype.kind == "M":
        return _from_datetime64(stamps)
    if stamps.dtype.kind == "i":
        return stamps.astype(np.int64)
    return np.array([_from_moment(stamp, place) for place, stamp in enumerate(stamps.tolist())], dtype=np.int64)


def _from_datetime64(stamps: npt.NDArray[Any]) -> Integers:
    exact = stamps.astype("datetime64[ns]")
    changed = exact.astype(stamps.dtype) != stamps  # also where it is not a time: NaT differs from itself
    if changed.any():
        place = int(np.argmax(changed))
        raise ValueError(f"ts_end[{place}] is {stamps[place]}, which is no whole nanosecond of the years 1678 to 2261")
    return exact.astype(np.int64)


def _from_moment(stamp: Any, place: int) -> int:
    try:
        if isinstance(stamp, str):
            return _since_epoch(parse_utc(stamp)) + _beyond_microseconds(stamp)
        if not isinstance(stamp, datetime) or stamp.utcoffset() is None:
            raise ValueError(f"{stamp!r} is no text, datetime with a zone, datetime64 or int64")
        return _since_epoch(stamp) + int(getattr(stamp, "nanosecond", 0))  # a time stamp of pandas has them
    except ValueError as error:
        raise ValueError(f"ts_end[{place}] is not a moment: {error}") from None


def _since_epoch(moment: datetime) -> int:
    """Return nanoseconds since the epoch, of whole microseconds."""
    return int((moment - _EPOCH) // _MICROSECOND) * 1000


def _beyond_microseconds(text: str) -> int:
    """Return the nanoseconds of an ISO 8601 text that a datetime has no room for."""
    digits = _BEYOND_MICROSECONDS.search(text)
    if digits is None:
        return 0
    if len(digits[1]) > 3:
        raise ValueError(f"{text!r} is finer than nanoseconds")
    return int(digits[1].ljust(3, "0"))
