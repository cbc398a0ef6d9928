"""Scales: where the ticks of an axis stand, and what is written there."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import numpy.typing as npt

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_POINTS = 500
_LARGEST = 1e6

Days = npt.NDArray[np.datetime64]
Numbers = npt.NDArray[np.float64]
Ticks = tuple[list[float], list[str]]


def nice_values(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers, about that many, from `low` to `high`; one number where they are equal."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in _NICE if power * nice >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def plain_ticks(low: float, high: float, about: int = 5) -> Ticks:
    """Return ticks with plain numbers, with as many decimals as tell them apart."""
    values = nice_values(low, high, about)
    return values, [_written(value, _decimals(values)) for value in values]


def percent_ticks(low: float, high: float, about: int = 5) -> Ticks:
    """Return ticks of fractions, written in percent."""
    values = nice_values(low, high, about)
    decimals = max(_decimals(values) - 2, 0)
    return values, [f"{_written(100 * value, decimals)} %" for value in values]


def growth_ticks(low: float, high: float) -> Ticks:
    """Return ticks of a log scale of growth from log `low` to log `high`: round multiples of the starting equity."""
    if high - low < math.log(10):
        multiples = nice_values(math.exp(low), math.exp(high), 6)
    else:
        decades = range(math.floor(low / math.log(10)), math.ceil(high / math.log(10)) + 1)
        digits = (1, 2, 5) if len(decades) <= 4 else (1,)
        multiples = [digit * 10.0**decade for decade in decades[:: max(1, len(decades) // 6)] for digit in digits]
    kept = [multiple for multiple in multiples if multiple > 0 and low <= math.log(multiple) <= high]
    return [math.log(multiple) for multiple in kept], [f"×{multiple:.4g}" for multiple in kept]


def time_ticks(first: float, last: float, about: int = 6) -> Ticks:
    """Return ticks at the first days of months or years, from day `first` to day `last` after 1970-01-01."""
    start, end = (date.fromordinal(date(1970, 1, 1).toordinal() + int(day)) for day in (first, last))
    months = (end.year - start.year) * 12 + end.month - start.month
    if months < 2:
        days = sorted({first, last})
        return days, [_named_day(day) for day in days]
    step = next((step for step in _MONTH_STEPS if months / step <= about), 12 * math.ceil(months / 12 / about))
    begin = start.year * 12 + start.month - 1 + (start.day > 1)
    chosen = [divmod(month, 12) for month in range(-(-begin // step) * step, end.year * 12 + end.month, step)]
    days = [float(date(year, month + 1, 1).toordinal() - date(1970, 1, 1).toordinal()) for year, month in chosen]
    return days, [str(year) if step >= 12 else f"{MONTHS[month]} {year}" for year, month in chosen]


def drawable(value: float | None) -> bool:
    """Return whether an axis can show a number: not NaN, not infinite, and not beyond a million."""
    return value is not None and abs(value) <= _LARGEST


def drawable_days(returns: Numbers) -> npt.NDArray[np.bool_]:
    """Return which of the days have a return that an axis can show."""
    shown: npt.NDArray[np.bool_] = np.abs(returns) <= _LARGEST
    return shown


def day_numbers(days: Days) -> Numbers:
    """Return days as numbers of days after 1970-01-01."""
    return days.astype("datetime64[D]").astype(np.float64)


def thinned(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """Return a line of at most 1,000 points that looks the same: of each stretch its lowest and its highest point."""
    if len(x) <= 2 * _MOST_POINTS:
        return x, y
    stretches = np.array_split(np.arange(len(x)), _MOST_POINTS - 1)
    extremes = [at[[int(np.argmin(y[at])), int(np.argmax(y[at]))]] for at in stretches]
    kept = np.unique(np.concatenate([[0], *extremes, [len(x) - 1]]))
    return x[kept], y[kept]


def _written(value: float, decimals: int) -> str:
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def _named_day(day: float) -> str:
    return str(np.datetime64(int(day), "D"))


def _decimals(values: list[float]) -> int:
    """Return how many decimals the step between round numbers has."""
    if len(values) < 2:
        return 2
    step = values[1] - values[0]
    return next((places for places in range(12) if abs(round(step, places) - step) < 1e-6 * step), 12)
