"""`wf.*`: what came of the strategy on data after the data it was made on."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import HIGHER, group

_metric = group("wf", "walk_forward")

METRICS = (
    _metric("n_folds", "folds", HIGHER, "folds with a result out of sample"),
    _metric("oos_sum_pnl", "fraction", HIGHER, "sum over folds of the profit out of sample"),
    _metric("fold_sign_stability", "fraction", HIGHER, "share of folds whose profit out of sample is above 0"),
    _metric("worst_fold_pnl", "fraction", HIGHER, "smallest profit out of sample of a fold"),
    _metric(
        "oos_is_ratio",
        "ratio",
        HIGHER,
        "mean profit out of sample over mean profit in sample; NaN without profit in sample",
        "Pardo 2008: walk-forward efficiency",
    ),
)
