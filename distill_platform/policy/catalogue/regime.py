"""`regime.*`: whether the result hangs on one kind of market."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import HIGHER, NONE, flags, group

_metric = group("regime", "stress_tests")
_alarm = flags("regime", "stress_tests", good=False)
_SHARPE = "sharpe_daily of the days in the {} third of market volatility"

METRICS = (
    _alarm(
        "fragile", "whether one regime at most has a positive Sharpe ratio, or one is likely below 0 (PSR under 5 %)"
    ),
    _metric("worst_sharpe", "per year", HIGHER, "lowest Sharpe ratio of a regime"),
    _metric("best_sharpe", "per year", HIGHER, "highest Sharpe ratio of a regime"),
    _metric("n_regimes", "regimes", NONE, "regimes with enough days to judge"),
    _metric("sharpe_low_vol", "per year", HIGHER, _SHARPE.format("lowest")),
    _metric("sharpe_mid_vol", "per year", HIGHER, _SHARPE.format("middle")),
    _metric("sharpe_high_vol", "per year", HIGHER, _SHARPE.format("highest")),
)
