"""`live.*`: how a strategy does outside the laboratory, against itself in its latest backtest."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import HIGHER, LOWER, group

_metric = group("live", "live_monitoring")
_OVER = "over that of the latest backtest"

METRICS = (
    _metric("days", "days", HIGHER, "UTC days with steps that the live figures cover"),
    _metric("sharpe", "per year", HIGHER, "returns.sharpe_daily of those days"),
    _metric("max_drawdown", "fraction", LOWER, "returns.max_drawdown of those days", lowest=0.0),
    _metric("decay_ratio", "ratio", HIGHER, "live.sharpe over the Sharpe ratio of the days before them"),
    _metric("backtest_sharpe_ratio", "ratio", HIGHER, f"Sharpe ratio {_OVER}"),
    _metric("backtest_drawdown_ratio", "ratio", LOWER, f"maximum drawdown {_OVER}"),
    _metric("backtest_var_ratio", "ratio", LOWER, f"value at risk at 99 % {_OVER}"),
    _metric("backtest_es_ratio", "ratio", LOWER, f"expected shortfall at 99 % {_OVER}"),
)
