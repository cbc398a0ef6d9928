"""`risk.*`: how much of the market a strategy needs, and what it adds to the tail of the portfolio."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import LOWER, NONE, group

_metric = group("risk", "evaluation_metrics")
_fit = group("risk", "portfolio_fit")

METRICS = (
    _metric(
        "adv_utilization_p95",
        "fraction",
        LOWER,
        "95th percentile of the share of average daily volume used, over steps that use any",
        lowest=0.0,
    ),
    _metric(
        "participation_rate_p95",
        "fraction",
        LOWER,
        "95th percentile of the share of the traded volume, over steps that trade",
        lowest=0.0,
    ),
    _metric("reject_rate", "fraction", LOWER, "rejected orders over all orders", lowest=0.0),
    _metric(
        "turnover_annual",
        "times equity per year",
        LOWER,
        "sum of turnover over the years from the first to the last day",
    ),
    _fit(
        "incremental_var_99",
        "fraction",
        LOWER,
        "value at risk at 99 % of the portfolio with the strategy less that without it",
    ),
    _fit(
        "incremental_es_99",
        "fraction",
        LOWER,
        "expected shortfall at 99 % of the portfolio with the strategy less that without it",
    ),
    _metric("mean_exposure", "fraction", NONE, "mean over steps of exposure"),
    _metric("max_exposure", "fraction", LOWER, "largest absolute exposure of a step"),
)
