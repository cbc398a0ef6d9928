"""`returns.*`: what the strategy earned after all costs, and how deep it fell."""

from __future__ import annotations

from distill_platform.core.expression import Kind
from distill_platform.policy.catalogue.metric import HIGHER, LOWER, NONE, group

_metric = group("returns", "evaluation_metrics")
_TAIL = "net daily returns, as a positive loss"

METRICS = (
    _metric(
        "sharpe_daily",
        "per year",
        HIGHER,
        "mean over standard deviation (ddof 1) of net returns by UTC day, idle days as 0, times sqrt(365)",
        "Sharpe 1994",
    ),
    _metric(
        "sharpe_step_raw",
        "per year",
        HIGHER,
        "the same ratio over single steps, scaled by the steps in a year; only to compare with what engines print",
        "Sharpe 1994",
    ),
    _metric("sharpe_method", "name", NONE, "how sharpe_daily was computed, with its version", kind=Kind.STRING),
    _metric(
        "sharpe_standard_error",
        "per year",
        LOWER,
        "standard error of sharpe_daily, with skewness and kurtosis",
        "Mertens 2002",
    ),
    _metric(
        "max_drawdown",
        "fraction",
        LOWER,
        "deepest fall of compounded equity below its highest point so far, positive",
        lowest=0.0,
    ),
    _metric(
        "gain_to_pain_ratio",
        "ratio",
        HIGHER,
        "sum of net daily returns over the sum of their losses; NaN without a loss",
        "Schwager 2012",
    ),
    _metric(
        "time_under_water_ratio",
        "fraction",
        LOWER,
        "share of days that end below the highest equity before them",
        lowest=0.0,
    ),
    _metric("var_95", "fraction", LOWER, f"historical value at risk at 95 % of {_TAIL}", "Jorion 2007", lowest=0.0),
    _metric(
        "es_95",
        "fraction",
        LOWER,
        f"historical expected shortfall at 95 % of {_TAIL}",
        "Acerbi, Tasche 2002",
        lowest=0.0,
    ),
    _metric("var_99", "fraction", LOWER, f"historical value at risk at 99 % of {_TAIL}", "Jorion 2007", lowest=0.0),
    _metric(
        "es_99",
        "fraction",
        LOWER,
        f"historical expected shortfall at 99 % of {_TAIL}",
        "Acerbi, Tasche 2002",
        lowest=0.0,
    ),
    _metric("total_return", "fraction", HIGHER, "compounded net return over the whole window"),
    _metric("annual_return", "fraction per year", HIGHER, "the constant yearly return that compounds to total_return"),
    _metric(
        "annual_volatility",
        "fraction per year",
        LOWER,
        "standard deviation (ddof 1) of net returns by calendar day, times sqrt(365)",
    ),
    _metric("skewness", "1", HIGHER, "population skewness of net daily returns of days with steps"),
    _metric("kurtosis", "1", LOWER, "population kurtosis of net daily returns of days with steps; 3 for a normal one"),
)
