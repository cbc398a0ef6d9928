"""What the tables must hold for a run to be judged: enough days, every table, and the costs of its world."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from distill_platform.evaluation.readiness.findings import Finding, error, warning
from distill_platform.policy.stress_grid import Costs
from distill_platform.stats import utc_days
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.tables import DAILY, FOLDS, ORDERS, STEPS, TRADES

_FEW_DAYS = 250
_ROUNDING = 1e-9
_USES = {
    "trades": (TRADES.file, "trade counts and the comparison of trades with steps", error),
    "daily": (DAILY.file, "the comparison of days with steps", warning),
    "orders": (ORDERS.file, "risk.reject_rate", warning),
    "folds": (FOLDS.file, "every wf metric", warning),
}
_COLUMN_USES = {
    "adv_utilization": "risk.adv_utilization_p95",
    "participation": "risk.participation_rate_p95",
    "benchmark_ret": "every benchmark metric",
}


def of_tables(bundle: Bundle) -> Iterator[Finding]:
    """Yield the tables and columns that are not there, and what cannot be computed without them."""
    for name, (file, use, level) in _USES.items():
        if getattr(bundle, name) is None:
            yield level(f"{name}_missing", f"{file} is missing; {use} cannot be had without it", f"Hand in {file}")
    for column, use in _COLUMN_USES.items():
        if column not in bundle.steps.column_names:
            message = f"{STEPS.file}: column {column!r} is missing; {use} cannot be had without it"
            yield warning("column_missing", message, f"Write {column!r}; a policy that asks for it fails without")


def of_days(steps: pa.Table) -> Iterator[Finding]:
    """Yield that there are too few days to say anything about."""
    days = len(set(utc_days(steps.column("ts_end").to_numpy()).tolist()))
    if days < 2:
        yield error("too_few_days", f"{STEPS.file}: {days} day has no Sharpe ratio", "Hand in a longer run")
    elif days < _FEW_DAYS:
        message = f"{STEPS.file}: {days} days; a yearly Sharpe ratio is uncertain by more than 1 then"
        yield warning("few_days", message, f"Hand in {_FEW_DAYS} days or more")


def of_activity(steps: pa.Table, costs: Costs | None) -> Iterator[Finding]:
    """Yield that nothing was traded, or for less than it costs in the run's world."""
    turnover = _total(steps, "turnover")
    if turnover == 0.0:
        yield error("no_activity", f"{STEPS.file}: nothing was traded", "A run that never trades passes no gate")
        return
    fee_bps, slippage_bps = (_total(steps, name) / turnover * 1e4 for name in ("fee", "slippage"))
    if fee_bps == 0.0:
        yield error("fee_zero", f"{STEPS.file}: trades cost no fee at all", "Run it again with the world's fees")
    if costs is None:
        return
    if 0.0 < fee_bps < costs.fee_bps - _ROUNDING:
        yield _below_world("fee", fee_bps, costs.fee_bps, "of what is traded")
    if slippage_bps < costs.slippage_bps - _ROUNDING:
        yield _below_world("slippage", slippage_bps, costs.slippage_bps, "of what is traded")
    if costs.funding_bps_daily > 0.0 and _total(steps, "funding") == 0.0:
        yield _below_world("funding", 0.0, costs.funding_bps_daily, "a day")


def _below_world(name: str, found: float, wanted: float, unit: str) -> Finding:
    message = f"{STEPS.file}: {name} comes to {found:.3g} bps {unit}, the world's is {wanted:g}"
    return warning(f"{name}_below_world", message, "Run it again with the world's costs: cheaper runs are flagged")


def _total(steps: pa.Table, name: str) -> float:
    return float(steps.column(name).to_numpy().sum())
