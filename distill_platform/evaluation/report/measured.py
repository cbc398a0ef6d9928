"""Metrics as a report names them: in words, and in the unit the catalogue declares."""

from __future__ import annotations

import math

from distill_platform.evaluation.report.view import Metric, ReportView
from distill_platform.pages import wording
from distill_platform.policy import catalogue

_NAMES = {
    "returns.sharpe_daily": "Sharpe ratio",
    "returns.sharpe_standard_error": "standard error of the Sharpe ratio",
    "returns.max_drawdown": "deepest fall",
    "returns.gain_to_pain_ratio": "gain over pain",
    "returns.time_under_water_ratio": "share of days under water",
    "sample.effective_history_years": "history",
    "sample.observation_days": "days with steps",
    "sample.n_trades_total": "closed trades",
    "sample.n_trades_per_year": "closed trades a year",
    "sample.completed_runs": "completed runs",
    "sample.data_lag_s": "age of the data on arrival",
    "sample.data_coverage": "share of days covered by data",
    "risk.adv_utilization_p95": "share of daily volume used (95th percentile)",
    "risk.participation_rate_p95": "share of traded volume (95th percentile)",
    "risk.reject_rate": "share of orders rejected",
    "risk.turnover_annual": "turnover a year",
    "risk.incremental_var_99": "value at risk added to the portfolio",
    "risk.incremental_es_99": "expected shortfall added to the portfolio",
    "robustness.probabilistic_sharpe_ratio": "probabilistic Sharpe ratio",
    "robustness.deflated_sharpe_ratio": "deflated Sharpe ratio (DSR)",
    "robustness.pbo": "probability of backtest overfitting (PBO)",
    "robustness.bootstrap_p_positive": "share of resamples with a profit",
    "robustness.sharpe_gap": "gap between the halves' Sharpe ratios",
    "robustness.reality_check_p": "p-value of the reality check",
    "wf.oos_sum_pnl": "profit out of sample",
    "wf.fold_sign_stability": "share of folds with a profit",
    "wf.worst_fold_pnl": "profit of the worst fold",
    "wf.oos_is_ratio": "profit out of sample over in sample",
    "stress.breakeven_bps": "break-even of added costs",
    "portfolio.portfolio_sharpe_uplift": "Sharpe ratio added to the portfolio",
    "portfolio.max_correlation": "highest correlation with a strategy held",
    "portfolio.tail_correlation": "highest correlation on its worst days",
    "benchmark.vs_benchmark_sharpe": "Sharpe ratio against the benchmark",
    "cohort.sharpe_median": "median Sharpe ratio of the cohort",
    "cohort.dsr_median": "median DSR of the cohort",
}
_LEAVES = {
    "net_sharpe": "Sharpe ratio",
    "max_drawdown": "deepest fall",
    "es_99": "expected shortfall",
    "total_return": "total return",
}


def name(metric: str) -> str:
    """Return a metric's name in words; one that nobody named is its dotted name without underscores."""
    full = catalogue.canonical(metric)
    group, _, leaf = full.rpartition(".")
    if full not in _NAMES and group.startswith("stress.") and leaf in _LEAVES:
        return f"{_LEAVES[leaf]} under {wording.visible(group.removeprefix('stress.'))}"
    return _NAMES.get(full) or plain(full.replace(".", ": "))


def definition(metric: str) -> str:
    """Return what the catalogue says a metric is; "" for one that it does not know."""
    found = catalogue.metric(metric)
    return found.definition if found else ""


def plain(identifier: str) -> str:
    """Return an identifier as words: "cost change" for `cost_change`."""
    return wording.visible(identifier.replace("_", " "))


def shown(metric: str, value: Metric) -> str:
    """Return a metric's value with its unit; "not measured" for NaN, None and what is missing."""
    if value is None:
        return wording.NOT_MEASURED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return wording.visible(value)
    found = catalogue.metric(catalogue.canonical(metric))
    return _number(float(value), found.unit if found else "")


def sharpe(view: ReportView) -> str:
    """Return the annual net Sharpe ratio with its standard error: "1.05 ± 0.41"."""
    return wording.with_error(view.number("returns.sharpe_daily"), view.number("returns.sharpe_standard_error"))


def _number(value: float, unit: str) -> str:
    match unit:
        case "fraction" | "fraction per year":
            return wording.percent(value, 2 if abs(value) < 0.01 else 1)
        case "probability":
            return wording.probability(value)
        case "years":
            return _counted(wording.ratio(value, 1), "years")
        case "bps":
            return _counted(wording.ratio(value, 1), "bps")
        case "seconds":
            return _duration(value)
        case "days" | "trades" | "runs" | "folds" | "trials" | "regimes" | "place" | "parameters":
            return wording.count(value)
        case "trades per year":
            return wording.ratio(value, 1)
        case "times equity per year":
            return wording.ratio(value, 1) if math.isnan(value) else f"×{wording.ratio(value, 1)}"
        case _:
            return wording.ratio(value)


def _counted(number: str, unit: str) -> str:
    return number if number == wording.NOT_MEASURED else f"{number} {unit}"


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if abs(seconds) >= length:
            return f"{wording.ratio(seconds / length, 1)} {unit}"
    return _counted(wording.count(seconds), "seconds")
