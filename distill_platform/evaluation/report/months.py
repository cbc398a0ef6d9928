"""Months: net returns by month and by year, with a shade that says how good or bad each was."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from distill_platform.evaluation.report.view import DailyView
from distill_platform.pages.wording import ratio

_SHADES = 4
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Cell:
    """The return of one month or year. `shade` goes from -4, the worst month of the run, to 4; 0 is nothing."""

    value: float
    shade: int

    @property
    def text(self) -> str:
        """Return the return in percent, without the sign of percent."""
        return ratio(100 * self.value, 1)


@dataclass(frozen=True)
class Year:
    """Twelve months, None where the run has no day in one, and the whole year."""

    year: int
    months: tuple[Cell | None, ...]
    total: Cell


def years(daily: DailyView) -> tuple[Year, ...]:
    """Return the months of a run by year, oldest first; days without a net return are left out."""
    known = np.isfinite(daily.net)
    if not known.any():
        return ()
    months = daily.days[known].astype("datetime64[M]").astype(np.int64)
    found, firsts = np.unique(months, return_index=True)
    with np.errstate(over="ignore", invalid="ignore"):
        growth = np.multiply.reduceat(1.0 + np.maximum(daily.net[known], -1.0), firsts).tolist()
    by_month = dict(zip(found.tolist(), growth, strict=True))
    largest = max(abs(value - 1.0) for value in growth)
    return tuple(_year(1970 + year, by_month, largest) for year in range(min(by_month) // 12, max(by_month) // 12 + 1))


def _year(year: int, by_month: dict[int, float], largest: float) -> Year:
    first = (year - 1970) * 12
    growth = [by_month.get(first + month) for month in range(12)]
    total = math.prod(value for value in growth if value is not None) - 1.0
    cells = tuple(None if value is None else Cell(value - 1.0, _shade(value - 1.0, largest)) for value in growth)
    return Year(year, cells, Cell(total, 0))


def _shade(value: float, largest: float) -> int:
    """Return the shade of a month: by its square root, so that one extreme month does not wash out the others."""
    if not (math.isfinite(value) and 0 < largest < math.inf):
        return 0
    shade: int = math.ceil((abs(value) / largest) ** 0.5 * _SHADES - _ROUNDING)
    return shade if value > 0 else -shade
