"""`sample.*`: how much there is to judge by, and how fresh it is."""

from __future__ import annotations

from distill_platform.core.expression import Kind
from distill_platform.policy.catalogue.metric import HIGHER, LOWER, NONE, group

_metric = group("sample", "evaluation_metrics")
_control = group("sample", "overfitting_controls")

METRICS = (
    _metric(
        "effective_history_years",
        "years",
        HIGHER,
        "from the first to the last day with steps, breaks of more than ten days left out",
    ),
    _metric("observation_days", "days", HIGHER, "UTC days with at least one step"),
    _metric("n_trades_total", "trades", HIGHER, "closed trades; never the number of steps"),
    _metric("n_trades_per_year", "trades per year", HIGHER, "n_trades_total over effective_history_years"),
    _control(
        "completed_runs",
        "runs",
        HIGHER,
        "accepted bundles of this strategy in this world and stage, different by content",
    ),
    _metric(
        "vol_floor_applied", "yes or no", NONE, "whether the volatility was too small to divide by", kind=Kind.BOOLEAN
    ),
    _metric("data_lag_s", "seconds", LOWER, "from the end of the last step to the arrival of the bundle, by our clock"),
    _metric(
        "data_coverage",
        "fraction",
        HIGHER,
        "share of the steps expected on the weekdays that the run uses that are there",
    ),
)
