"""Triage: what ails a run at first sight, as flags and in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from distill_platform.evaluation.metrics.daily import DailySeries
from distill_platform.evaluation.metrics.steps import Steps
from distill_platform.evaluation.metrics.terms import EvaluationTerms
from distill_platform.stats import Activity, activity

_HALF = 0.5
_SENTENCES = {
    "integrity_broken": "its tables contradict each other ({broken})",
    "no_activity": "it did too little to show any risk or skill",
    "zero_trades": "it closed no trade",
    "sample_starved": "there are too few days or trades to judge by",
    "friction_dominates": "costs eat more than half of what it made",
}


def daily_activity(daily: DailySeries, terms: EvaluationTerms) -> Activity:
    """Return how active the net returns of a run with at least one day are, against the volatility floor."""
    return activity(daily.net, terms.volatility_floor, 0)


def is_idle(steps: Steps, daily: DailySeries, moved: Activity, terms: EvaluationTerms) -> bool:
    """Return whether a run did so little that its small losses say nothing: no activity is not the absence of risk.

    It is idle if on more than 95 % of its days (`max_idle_share`) it held nothing, traded nothing and made nothing, if
    its returns never vary, and if they vary less than the volatility floor, which a single day counts as.
    """
    if not len(daily):
        return True
    did = np.abs(steps.gross) + np.abs(steps.exposure) + steps.turnover
    idle = np.add.reduceat(did, daily.first) == 0.0
    return bool(idle.mean() > terms.max_idle_share or moved.is_constant or moved.is_below_floor)


def triage_metrics(
    daily: DailySeries, n_trades: float, idle: bool, broken: Sequence[str], terms: EvaluationTerms
) -> dict[str, bool | None]:
    """Return `triage.*` by leaf; None where a table is missing that could tell.

    Friction dominates if costs are more than half of gross profit, or more than a gross loss. Without a trades table a
    run that turned nothing over has no trades; of one that did, nobody knows.
    """
    days_starved = len(daily) < terms.min_observation_days
    traded = bool(daily.turnover.sum() > 0.0)
    return {
        "friction_dominates": _friction_dominates(daily) if len(daily) and not idle else None,
        "sample_starved": True if days_starved else _below(n_trades, terms.min_trades),
        "zero_trades": n_trades == 0.0 if not math.isnan(n_trades) else (None if traded else True),
        "no_activity": idle,
        "integrity_broken": bool(broken),
    }


def triage_reason(flags: dict[str, bool | None], broken: Sequence[str]) -> str:
    """Return in one sentence where to look first."""
    found = [text.format(broken=", ".join(broken)) for flag, text in _SENTENCES.items() if flags[flag]]
    return f"Look here first: {'; '.join(found)}." if found else "Nothing stands out at first sight."


def _friction_dominates(daily: DailySeries) -> bool:
    paid = math.fsum(daily.fee) + math.fsum(daily.slippage) + math.fsum(daily.funding)
    gross = math.fsum(daily.pnl) + paid
    return paid > (_HALF * gross if gross > 0.0 else -gross)


def _below(n_trades: float, least: int) -> bool | None:
    return None if math.isnan(n_trades) else n_trades < least
