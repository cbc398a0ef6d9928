"""Made-up trials and members, for tests: sound and different from each other unless told otherwise."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np

from distill_platform.evaluation.cohort.members import Member
from distill_platform.evaluation.trials import TrialRecord
from distill_platform.stats import sharpe

FIRST_DAY = np.datetime64("2020-01-01")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def trial(run_id: str, **changes: Any) -> TrialRecord:
    content = digest(changes.pop("content", run_id))
    body: dict[str, Any] = {
        "run_id": run_id,
        "world_id": "us_equity_daily",
        "strategy_id": "trend",
        "cohort_id": "trend-2020",
        "campaign_id": "grid",
        "stage": "backtest",
        "run_source": "prod",
        "score_source": "model",
        "data_regime": "prod_live",
        "declared_trials": 1,
        "trial_index": 0,
        "ablation": None,
        "supersedes": None,
        "parent_run_id": None,
        "claim_sha256": digest(f"claim of {run_id}"),
        "content_sha256": content,
        "bundle_sha256": digest(run_id),
        "sound": True,
        "sharpe": 0.05,
        "n_days": 1260,
        "fee_bps": 1.0,
        "slippage_bps": 1.0,
        "declared_fee_bps": 1.0,
        "declared_slippage_bps": 1.0,
        "window": {"start": "2020-01-01T00:00:00Z", "end": "2023-06-14T00:00:00Z"},
        "dataset_fingerprint": "sha256:" + "5d" * 32,
    }
    return TrialRecord.from_body(body | changes)


def member(run_id: str, net: Any, days: Any = None, **changes: Any) -> Member:
    series = np.asarray(net, dtype=np.float64)
    about: dict[str, Any] = {
        "strategy_id": "trend",
        "content_sha256": digest(changes.pop("content", run_id)),
        "is_ablation": False,
        "sharpe_annual": sharpe(series) * math.sqrt(365) if len(series) > 1 else math.nan,
        "days": FIRST_DAY + np.arange(len(series)) if days is None else days,
        "net": series,
    }
    return Member(run_id, **about | changes)


def record_of(run: Member, **changes: Any) -> TrialRecord:
    ratio = sharpe(run.net) if len(run.net) > 1 else math.nan
    known = {
        "strategy_id": run.strategy_id,
        "content_sha256": run.content_sha256,
        "sharpe": ratio if math.isfinite(ratio) else None,
        "n_days": len(run.net),
    }
    return trial(run.run_id, **known | changes)


def cohort(panel: Any) -> tuple[list[Member], list[TrialRecord]]:
    """Members and records, one for each column of daily returns."""
    members = [member(f"run-{column:03d}", panel[:, column]) for column in range(panel.shape[1])]
    return members, [record_of(run) for run in members]
