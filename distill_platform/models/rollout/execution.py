"""Executions: whether orders are refused, or cost, more than they usually do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.models.rollout.settings import ExecutionSettings

_REJECTED = "rejected"
_TO_DEVIATION = 1.4826  # of a normal distribution, by its median absolute deviation
_BPS = 1e4


@dataclass(frozen=True)
class Execution:
    """A day's share of orders that were rejected, and the slippage in bps of what was traded; None without any."""

    reject_rate: float | None
    slippage_bps: float | None


@dataclass(frozen=True)
class ExecutionBounds:
    """Above these a day's executions are an anomaly."""

    reject_rate: float
    slippage_bps: float


def execution_of(orders: pa.Table, steps: pa.Table) -> Execution:
    """Return how a day's orders were executed, from the rows of a run bundle's tables on that day."""
    rejected = pc.sum(pc.equal(orders["status"], _REJECTED)).as_py() or 0
    turnover = pc.sum(steps["turnover"]).as_py() or 0.0
    slippage = pc.sum(steps["slippage"]).as_py() or 0.0
    return Execution(
        rejected / orders.num_rows if orders.num_rows else None, slippage / turnover * _BPS if turnover else None
    )


def execution_bounds(history: Sequence[Execution], settings: ExecutionSettings) -> ExecutionBounds:
    """Return what is still usual for a model, from its own earlier days: median plus deviations, or the floor."""
    rates = [day.reject_rate for day in history if day.reject_rate is not None]
    costs = [day.slippage_bps for day in history if day.slippage_bps is not None]
    return ExecutionBounds(
        _bound(rates, settings.min_reject_rate, settings), _bound(costs, settings.min_slippage_bps, settings)
    )


def _bound(history: Sequence[float], floor: float, settings: ExecutionSettings) -> float:
    """Return the bound on one number; days on which nobody could say what it was are not days of history."""
    known = np.array([value for value in history if np.isfinite(value)])
    if len(known) < settings.min_days:
        return floor
    middle = float(np.median(known))
    spread = _TO_DEVIATION * float(np.median(np.abs(known - middle)))
    return max(floor, middle + settings.deviations * spread)
