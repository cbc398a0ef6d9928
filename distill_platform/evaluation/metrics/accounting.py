"""Accounting: the engine's own days, held against the days of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from distill_platform.evaluation.metrics.daily import DailySeries, Days
from distill_platform.evaluation.metrics.steps import Floats, Steps, numbers


@dataclass(frozen=True)
class Accounting:
    """Whether the engine's days agree with its steps one by one, in their sum, and in the equity they lead to.

    None is unknown: steps that cannot be measured have no days to compare with.
    """

    matches: bool | None
    sums_match: bool | None
    reconciles: bool | None


def read_accounting(table: pa.Table, steps: Steps, daily: DailySeries, tolerance: float) -> Accounting:
    """Return how a table of days agrees with the steps, within `tolerance` of the equity.

    Each day holds the compounded return of its steps, or each holds their sum; a step that ends at midnight is of the
    day that ends, or of the one that begins: one of the four ways throughout. Fees are sums. Days without steps may be
    there as long as nothing happened on them; days with steps must not be missing.
    """
    if not len(daily):
        return Accounting(None, None, None)
    days = table.column("day").to_numpy().astype("datetime64[D]")
    returns, fees = numbers(table, "ret_net"), numbers(table, "fee")
    ways = ways_of_keeping(steps, daily)
    total, growth, summed = float(returns.sum()), _log_growth(returns), float(daily.pnl.sum())
    return Accounting(
        matches=any(way.is_kept(days, returns, fees, tolerance) for way in ways),
        sums_match=any(abs(total - float(way.returns.sum())) <= tolerance for way in ways),
        reconciles=_is_same(growth, _log_growth(daily.net), tolerance) or _is_same(total, summed, tolerance),
    )


@dataclass(frozen=True, eq=False)
class Way:
    """One way of keeping days: which there are, and what was made and paid on each."""

    days: Days = field(repr=False)
    returns: Floats = field(repr=False)
    fees: Floats = field(repr=False)

    def is_kept(self, days: Days, returns: Floats, fees: Floats, tolerance: float) -> bool:
        """Return whether an engine's days hold these numbers, and nothing on days of its own."""
        place = np.searchsorted(self.days, days).clip(max=len(self.days) - 1)
        there = self.days[place] == days
        expected = ((returns, self.returns), (fees, self.fees))
        near = [_near(found, np.where(there, own[place], 0.0), tolerance) for found, own in expected]
        return all(near) and bool(np.isin(self.days, days).all())


def ways_of_keeping(steps: Steps, daily: DailySeries) -> tuple[Way, ...]:
    """Return the ways in which engines keep the days of measurable steps: compounded or summed, by either day."""
    ways = (Way(daily.days, daily.net, daily.fee), Way(daily.days, daily.pnl, daily.fee))
    ends = steps.ts_end.astype("datetime64[D]")
    if not (steps.ts_end == ends).any():
        return ways
    days, first = np.unique(ends, return_index=True)
    summed, fees = (np.add.reduceat(column, first) for column in (steps.net, steps.fee))
    compounded = np.multiply.reduceat(1.0 + steps.net, first) - 1.0
    return (*ways, Way(days, compounded, fees), Way(days, summed, fees))


def _near(found: Floats, expected: Floats, tolerance: float) -> bool:
    return bool((np.abs(found - expected) <= tolerance).all())


def _log_growth(returns: Floats) -> float:
    """Return the logarithm of compounded equity: -infinity once all is lost, NaN if more than that is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log1p(returns).sum())


def _is_same(found: float, expected: float, tolerance: float) -> bool:
    return found == expected or abs(found - expected) <= tolerance
