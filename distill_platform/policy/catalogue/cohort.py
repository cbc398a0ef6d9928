"""`cohort.*`: how the runs that were tried together did."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import HIGHER, LOWER, group

_metric = group("cohort", "overfitting_controls")

METRICS = (
    _metric(
        "sharpe_median",
        "per year",
        HIGHER,
        "median of returns.sharpe_daily; a run without a usable one counts as the worst",
    ),
    _metric(
        "dsr_median",
        "probability",
        HIGHER,
        "median of robustness.deflated_sharpe_ratio; a run without a usable one counts as the worst",
    ),
    _metric(
        "rank", "place", LOWER, "place of the strategy by returns.sharpe_daily, 1 the best; equal ones by strategy_id"
    ),
    _metric("n_runs", "runs", HIGHER, "runs of the cohort, different by content"),
    _metric("n_trials", "trials", LOWER, "honest number of trials of the cohort"),
    _metric("sharpe_variance", "1", LOWER, "variance (ddof 1) over trials of the Sharpe ratio per day"),
)
