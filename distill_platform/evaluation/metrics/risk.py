"""Risk: how much of the market a run needed, how much it turned over, and how much it held."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.evaluation.metrics.daily import DAYS_PER_YEAR, DailySeries
from distill_platform.evaluation.metrics.steps import Floats, Steps


def risk_metrics(steps: Steps, daily: DailySeries, orders: pa.Table | None) -> dict[str, float]:
    """Return `risk.*` by leaf for a run with at least one day; NaN for what its tables and columns do not tell."""
    return {
        "adv_utilization_p95": _in_use(steps.adv_utilization, steps.turnover),
        "participation_rate_p95": _in_use(steps.participation, steps.turnover),
        "reject_rate": _reject_rate(orders),
        "turnover_annual": float(steps.turnover.sum()) * DAYS_PER_YEAR / daily.calendar_days,
        "mean_exposure": float(steps.exposure.mean()),
        "max_exposure": float(np.abs(steps.exposure).max()),
    }


def _in_use(share: Floats | None, turnover: Floats) -> float:
    """Return the 95 % quantile over the steps that trade or use anything of the market.

    Over all steps, whoever trades once in twenty would have none. NaN if no step does, or one does not say how much.
    """
    if share is None:
        return math.nan
    used = share[(turnover > 0.0) | (share > 0.0)]
    return float(np.quantile(used, 0.95)) if used.size and np.isfinite(used).all() else math.nan


def _reject_rate(orders: pa.Table | None) -> float:
    if orders is None or orders.num_rows == 0:
        return math.nan
    rejected = orders.filter(pc.equal(orders.column("status"), "rejected"))
    return float(_distinct_orders(rejected) / _distinct_orders(orders))


def _distinct_orders(orders: pa.Table) -> int:
    """Return how many orders there are: one that was filled in ten parts is one."""
    count: int = pc.count_distinct(orders.column("order_id")).as_py()
    return count
