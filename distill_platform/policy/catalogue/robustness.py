"""`robustness.*`: how much of the result luck and search explain."""

from __future__ import annotations

from distill_platform.policy.catalogue.metric import HIGHER, LOWER, NONE, group

_metric = group("robustness", "evaluation_metrics")
_control = group("robustness", "overfitting_controls")

METRICS = (
    _metric(
        "probabilistic_sharpe_ratio",
        "probability",
        HIGHER,
        "that the true Sharpe ratio is above 0, given length, skewness and kurtosis",
        "Bailey, Lopez de Prado 2012",
    ),
    _control(
        "deflated_sharpe_ratio",
        "probability",
        HIGHER,
        "that the true Sharpe ratio is above what the best of n_trials without skill would show",
        "Bailey, Lopez de Prado 2014",
    ),
    _control(
        "pbo",
        "probability",
        LOWER,
        "that the best variant in sample is below the median out of sample",
        "Bailey, Borwein, Lopez de Prado, Zhu 2017",
    ),
    _metric(
        "bootstrap_p_positive",
        "probability",
        HIGHER,
        "share of stationary bootstrap resamples whose mean net return is above 0",
        "Politis, Romano 1994",
    ),
    _metric(
        "min_track_record_days",
        "days",
        LOWER,
        "observations that the probabilistic Sharpe ratio needs to reach 0.95",
        "Bailey, Lopez de Prado 2012",
    ),
    _metric("sharpe_first_half", "per year", HIGHER, "sharpe_daily of the first half of the days"),
    _metric("sharpe_second_half", "per year", HIGHER, "sharpe_daily of the second half of the days"),
    _metric(
        "sharpe_gap",
        "per year",
        LOWER,
        "distance between sharpe_first_half and sharpe_second_half, whichever is higher",
    ),
    _control(
        "reality_check_p",
        "probability",
        LOWER,
        "p-value that the best of the cohort does not beat doing nothing",
        "White 2000",
    ),
    _control(
        "expected_max_sharpe",
        "per year",
        NONE,
        "Sharpe ratio that the best of n_trials without skill is expected to show",
        "Bailey, Lopez de Prado 2014",
    ),
    _control(
        "n_trials",
        "trials",
        LOWER,
        "honest number of trials behind the winner: searched, failed, superseded and ablated ones included",
    ),
)
