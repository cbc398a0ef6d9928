"""`portfolio.*` and `benchmark.*`: what the strategy adds to what is held already, and to the market."""

from __future__ import annotations

from distill_platform.core.expression import Kind
from distill_platform.policy.catalogue.metric import HIGHER, LOWER, NONE, group

_fit = group("portfolio", "portfolio_fit")
_market = group("benchmark", "evaluation_metrics")

PORTFOLIO = (
    _fit("max_correlation", "correlation", LOWER, "highest correlation of net daily returns with a strategy held"),
    _fit("tail_correlation", "correlation", LOWER, "the same on the worst days of the strategy held"),
    _fit(
        "marginal_var_99",
        "fraction",
        LOWER,
        "derivative of the portfolio's value at risk at 99 % to the strategy's weight",
        "Gourieroux, Laurent, Scaillet 2000",
    ),
    _fit(
        "marginal_es_99",
        "fraction",
        LOWER,
        "derivative of the portfolio's expected shortfall at 99 % to the strategy's weight",
        "Tasche 1999",
    ),
    _fit(
        "portfolio_sharpe_uplift",
        "per year",
        HIGHER,
        "Sharpe ratio of the portfolio with the strategy less that without it",
    ),
    _fit(
        "correlation_source",
        "name",
        NONE,
        "measured, assumed (too few days in common) or none (nothing is held)",
        kind=Kind.STRING,
    ),
)
BENCHMARK = (
    _market(
        "vs_benchmark_sharpe",
        "per year",
        HIGHER,
        "Sharpe ratio of net daily returns less those of the benchmark",
        "Sharpe 1994",
    ),
    _market("correlation", "correlation", NONE, "of net daily returns with those of the benchmark"),
    _market("beta", "ratio", NONE, "slope of net daily returns on those of the benchmark"),
)
METRICS = PORTFOLIO + BENCHMARK
