"""Drawdown: how far equity falls below its highest point so far, and for how long it stays there.

The starting equity counts as a high point: who loses half in the first period is down by half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from distill_platform.core.kernel import kernel
from distill_platform.stats.moments import observed
from distill_platform.stats.series import Series


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of a series of T returns, and how many periods end below the peak before them.

    `max_time_under_water` is the longest stretch of such periods, `total_under_water` all of them, and
    `current_under_water` the stretch that goes on at the end. `peak`, `trough` and `recovery` are numbers of periods
    from the start: equity falls over returns[peak:trough] and is back over returns[trough:recovery]. Of several
    equally deep falls it is the first. `recovery` is None while there is none, and all three are 0 without a fall.
    """

    max_drawdown: float
    max_time_under_water: int
    total_under_water: int
    current_under_water: int
    peak: int
    trough: int
    recovery: int | None

    @property
    def time_to_recover(self) -> int | None:
        """Return the number of periods from the trough until equity was back at the peak; None if it is not."""
        return None if self.recovery is None else self.recovery - self.trough


def drawdown(returns: Any, *, compound: bool = True) -> Drawdown:
    """Return maximum drawdown, a negative number or 0, and times under water of `returns`, shape (T,).

    Compounding, equity is prod(1 + r) and a drawdown is a share of the peak, in [-1, 0]; what is lost to a return of -1
    stays lost. Summing, as with a stake of constant size, equity is 1 + sum(r) and a drawdown is a share of the
    starting equity, which may be below -1. Equity that misses its peak by rounding is under water. O(T).

    Raises ValueError for NaN, infinities, no observations, and returns below -1 to compound.
    """
    series = observed(returns)
    if compound and series.min() < -1.0:
        place = int(series.argmin())
        raise ValueError(f"returns[{place}] is {series[place]}: more than everything cannot be lost when compounding")
    lowest, longest, total, current, peak, trough, recovery = _fall(series, compound)
    return Drawdown(lowest, longest, total, current, peak, trough, recovery if recovery >= trough else None)


@kernel
def _fall(series: Series, compound: bool) -> tuple[float, int, int, int, int, int, int]:
    """Follow equity relative to its peak, not equity, which would leave the range of floats in long series."""
    top = 1.0 if compound else 0.0
    level = lowest = top
    longest = total = current = latest_peak = peak = trough = recovery = 0
    for period in range(1, len(series) + 1):
        simple = series[period - 1]
        level = min(top, level * (1.0 + simple) if compound else level + simple)
        if level < top:
            current += 1
            total += 1
            longest = max(longest, current)
        else:
            current = 0
            latest_peak = period
            if recovery < trough:
                recovery = period
        if level < lowest:
            lowest, peak, trough = level, latest_peak, period
    return lowest - top, longest, total, current, peak, trough, recovery
