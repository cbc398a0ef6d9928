"""Accounting: the engine's own days, held against the days of its steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from distill_platform.evaluation.metrics.daily import DailySeries, Days
from distill_platform.evaluation.metrics.steps import Floats, numbers


@dataclass(frozen=True)
class Accounting:
    """Whether the engine's days agree with its steps one by one, in their sum, and in the equity they lead to.

    None is unknown: steps that cannot be measured have no days to compare with.
    """

    matches: bool | None
    sums_match: bool | None
    reconciles: bool | None


def read_accounting(table: pa.Table, daily: DailySeries, tolerance: float) -> Accounting:
    """Return how a table of days agrees with the steps, within `tolerance` of the equity.

    Either each day holds the compounded return of its steps, or each holds their sum. Fees are sums. Days without steps
    may be there as long as nothing happened on them; days with steps must not be missing.
    """
    if not len(daily):
        return Accounting(None, None, None)
    days = table.column("day").to_numpy().astype("datetime64[D]")
    returns, fees = numbers(table, "ret_net"), numbers(table, "fee")
    complete = bool(np.isin(daily.days, days).all())
    kept = [_near(returns, _placed(days, daily, expected), tolerance) for expected in (daily.net, daily.pnl)]
    paid = _near(fees, _placed(days, daily, daily.fee), tolerance)
    total, growth = float(returns.sum()), _log_growth(returns)
    sums = [float(daily.net.sum()), float(daily.pnl.sum())]
    return Accounting(
        matches=complete and paid and any(kept),
        sums_match=any(abs(total - expected) <= tolerance for expected in sums),
        reconciles=_is_same(growth, _log_growth(daily.net), tolerance) or _is_same(total, sums[1], tolerance),
    )


def _placed(days: Days, daily: DailySeries, expected: Floats) -> Floats:
    """Return what is expected on each of `days`, 0 where there are no steps."""
    place = np.searchsorted(daily.days, days).clip(max=len(daily) - 1)
    return np.where(daily.days[place] == days, expected[place], 0.0)


def _near(found: Floats, expected: Floats, tolerance: float) -> bool:
    return bool((np.abs(found - expected) <= tolerance).all())


def _log_growth(returns: Floats) -> float:
    """Return the logarithm of compounded equity: -infinity once all is lost, NaN if more than that is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log1p(returns).sum())


def _is_same(found: float, expected: float, tolerance: float) -> bool:
    return found == expected or abs(found - expected) <= tolerance
