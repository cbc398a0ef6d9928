"""Explanations: for each metric that can fail, what its failure means for this run, and what would help.

A person who did not build the strategy must understand them; whoever did must know what to do next.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from distill_platform.evaluation.report.checks import Check
from distill_platform.evaluation.report.view import Metric, ReportView
from distill_platform.pages.wording import count, percent, ratio, several, years_of_days
from distill_platform.stats import min_trl, moments

Explain = Callable[[ReportView, Check], str]

_HAND_IN = {
    "wf.": "Hand in folds.parquet with the folds of the search.",
    "risk.reject_rate": "Hand in orders.parquet.",
    "risk.adv_utilization_p95": "Hand in adv_utilization with the steps.",
    "risk.participation_rate_p95": "Hand in participation with the steps.",
    "sample.n_trades": "Hand in trades.parquet.",
    "benchmark.": "Hand in benchmark_ret with the steps.",
    "invariants.pnl_sums_match": "Hand in trades.parquet.",
    "invariants.daily_matches_steps": "Hand in daily.parquet.",
    "robustness.pbo": "Hand in the other variants of the search: it needs at least two that ran on the same days.",
    "robustness.reality_check_p": "Hand in the other variants of the search.",
    "robustness.deflated_sharpe_ratio": "It needs daily returns that vary, and the other trials of the cohort.",
    "stress.": "It needs turnover in the steps, and the scenario in the policy's stress grid.",
    "portfolio.": "It needs an accepted strategy with days in common.",
    "live.": "It needs an accepted backtest of the same strategy.",
}


def meaning(view: ReportView, check: Check) -> str:
    """Return what a check that failed means for the run, as one sentence."""
    if check.unknown:
        return "What was not measured does not pass." if check.code == "missing_metric" else "It is no finite number."
    found = _MEANINGS.get(_key(check.metric))
    return found(view, check) if found else ""


def remedy(view: ReportView, check: Check) -> str:
    """Return what would help, as one sentence; "" where nobody can say."""
    if check.unknown:
        return next((text for start, text in _HAND_IN.items() if check.metric.startswith(start)), "")
    found = _REMEDIES.get(_key(check.metric))
    return found(view, check) if found else ""


def about(view: ReportView, metric: str) -> str:
    """Return what it means that a gate does not like a metric, whatever its bound; "" where nobody says."""
    found = _MEANINGS.get(_key(metric))
    return found(view, _bare(metric, view.metrics.get(metric))) if found else ""


def luck(view: ReportView) -> str:
    """Return what the number of trials says of the Sharpe ratio, as a clause."""
    trials = view.trials
    if not (math.isfinite(trials.expected_max_sharpe) and math.isfinite(trials.sharpe)):
        return f"with {several(trials.n, 'trial')} it is not known what luck alone would show"
    side = "below it" if trials.sharpe < trials.expected_max_sharpe else "not far enough above it"
    return (
        f"with {several(trials.n, 'trial')} the best Sharpe ratio expected from luck alone is "
        f"{ratio(trials.expected_max_sharpe)} a year; this run's {ratio(trials.sharpe)} is {side}"
    )


def days_to_convince(view: ReportView, benchmark: float, confidence: float) -> float:
    """Return how many days with steps such a record needs to be above `benchmark`, annual, with that confidence.

    Infinity where the run is not above it; NaN where the run has no Sharpe ratio (Bailey, Lopez de Prado 2012, MinTRL).
    """
    net = view.daily.net[np.isfinite(view.daily.net)]
    annual = view.number("returns.sharpe_daily")
    if (
        len(net) < 3
        or not np.abs(net).max() < 1e6
        or not net.max() > net.min()
        or not math.isfinite(annual)
        or not 0 < confidence < 1
    ):
        return math.nan
    if annual <= benchmark:
        return math.inf
    found = moments(net)
    daily = found.mean / found.sd
    return min_trl(daily, daily * benchmark / annual, found.skew, found.kurt, confidence)


def _bare(metric: str, observed: Metric) -> Check:
    return Check("", metric, True, observed, math.nan, math.nan, "fail", "blocking", "", "", "")


def _key(metric: str) -> str:
    """Return under which name a metric is explained: a stress scenario's under its leaf."""
    return f"stress.{metric.rpartition('.')[2]}" if metric.startswith("stress.") else metric


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _says(text: str) -> Explain:
    return lambda view, check: text


def _sharpe(view: ReportView, check: Check) -> str:
    error = view.number("returns.sharpe_standard_error")
    observed = view.number("returns.sharpe_daily")
    if not math.isfinite(error):
        return "Its standard error is not known."
    return (
        f"With a standard error of {ratio(error)} the true ratio may well lie anywhere from "
        f"{ratio(observed - 2 * error)} to {ratio(observed + 2 * error)}."
    )


def _costs(view: ReportView, check: Check) -> str:
    breakeven, turnover = view.costs.breakeven_bps, view.number("risk.turnover_annual")
    traded = f", and it trades {ratio(turnover, 1)} times its equity a year" if math.isfinite(turnover) else ""
    if not math.isfinite(breakeven):
        return "A better signal would help."
    if breakeven < 0:
        return f"It loses at today's costs{traded}: trade less, or only where more is to be gained than costs take."
    return (
        f"Nothing is left at {ratio(breakeven, 1)} bps more{traded}: lower turnover helps as much as a better signal."
    )


def _smaller(view: ReportView, check: Check) -> str:
    observed = check.observed
    if not isinstance(observed, int | float) or not observed > 0:
        return ""
    return f"At about {percent(check.threshold / observed, 0)} of today's size it would hold."


def _more(unit: str) -> Explain:
    def say(view: ReportView, check: Check) -> str:
        lacking = -check.margin
        if not lacking > 0:
            return ""
        return f"{ratio(lacking, 1) if unit == 'years' else count(math.ceil(lacking))} more {unit} would do."

    return say


def _longer(view: ReportView, benchmark: float, confidence: float) -> str:
    days = days_to_convince(view, benchmark, confidence)
    if math.isnan(days):
        return ""
    if math.isinf(days):
        return "No length of such a record would do: the ratio itself must rise, or be shown anew in a single trial."
    have = int(np.isfinite(view.daily.net).sum())
    return f"At this ratio it takes about {years_of_days(days)} with steps; there are {count(have)}."


def _halves(view: ReportView, check: Check) -> str:
    first, second = (view.number(f"robustness.sharpe_{half}_half") for half in ("first", "second"))
    verb = "It fades" if second < first else "It came late"
    return f"{verb}: {ratio(first)} a year in the first half of its days, {ratio(second)} in the second."


_MEANINGS: dict[str, Explain] = {
    "returns.sharpe_daily": _sharpe,
    "returns.max_drawdown": _says("That much of the equity was lost between its highest point and the lowest after."),
    "returns.gain_to_pain_ratio": _says("So many times its losing days the run gained in all."),
    "returns.time_under_water_ratio": _says("That share of its days ended below the highest equity before them."),
    "sample.effective_history_years": _says("Fewer years than that have not seen enough kinds of markets."),
    "sample.observation_days": _says("From so few days neither its mean nor its tail can be told."),
    "sample.n_trades_total": _says("So few trades can all have been lucky."),
    "sample.n_trades_per_year": _says("So few trades a year can all have been lucky."),
    "sample.completed_runs": _says("One result that was never repeated may be an accident."),
    "sample.data_lag_s": _says("The last step is too old: the run says nothing of the market today."),
    "sample.data_coverage": _says("Too many days of the window have no steps; what happened on them is not known."),
    "risk.adv_utilization_p95": _says("It needs so much of a day's volume that these fills cannot be assumed."),
    "risk.participation_rate_p95": _says(
        "It is so much of the traded volume that it would move the price it trades at."
    ),
    "risk.reject_rate": _says("What was not filled is missing from a portfolio that was meant to hold it."),
    "risk.turnover_annual": _says("Each basis point of cost that was assumed too low is paid that many times a year."),
    "risk.incremental_var_99": _says("It makes the bad days of the whole portfolio worse than allowed."),
    "risk.incremental_es_99": _says("It makes the worst days of the whole portfolio worse than allowed."),
    "robustness.deflated_sharpe_ratio": lambda view, check: _sentence(luck(view)),
    "robustness.probabilistic_sharpe_ratio": _says("A strategy without any skill might well show such a record."),
    "robustness.pbo": lambda view, check: (
        f"In {percent(view.number('robustness.pbo'), 0)} of the splits the variant that was best in sample fell below "
        "the median out of sample: the search found noise."
    ),
    "robustness.bootstrap_p_positive": _says("Drawn again from its own days, the run loses too often."),
    "robustness.sharpe_gap": _halves,
    "robustness.reality_check_p": _says(
        "The best of the cohort does not beat doing nothing by more than chance would."
    ),
    "wf.oos_sum_pnl": _says("On data that the search had not seen it did not make money."),
    "wf.fold_sign_stability": _says("It made money in too few of the folds to rely on the next one."),
    "wf.worst_fold_pnl": _says("One fold lost more than the policy bears."),
    "wf.oos_is_ratio": _says("Most of what it made in sample was gone out of sample: it was fitted to the past."),
    "stress.net_sharpe": _says("Under costs that may well come it is not worth trading."),
    "stress.max_drawdown": _says("Under costs that may well come it falls deeper than the policy bears."),
    "stress.es_99": _says("Under costs that may well come its worst days are worse than the policy bears."),
    "regime.fragile": lambda view, check: (
        "It depends on one kind of market: in the worst its Sharpe ratio is "
        f"{ratio(view.number('regime.worst_sharpe'))}."
    ),
    "triage.friction_dominates": _says("Costs eat more than the gross profit."),
    "triage.sample_starved": _says("There are too few days or trades to say anything."),
    "triage.zero_trades": _says("No trade was closed."),
    "triage.no_activity": _says("It was never in the market: there is nothing to judge."),
    "triage.integrity_broken": _says("Its own numbers disagree with each other."),
    "invariants.pnl_sums_match": _says("The profits of its trades do not sum to the net returns of its steps."),
    "invariants.fee_nonzero": _says("It traded, and paid no fees: no market lets anybody do that."),
    "portfolio.portfolio_sharpe_uplift": _says("The portfolio is not better with it than without."),
    "portfolio.max_correlation": _says("It does nearly what a strategy held does already."),
    "benchmark.vs_benchmark_sharpe": _says("Holding the benchmark would have done as well."),
    "cohort.sharpe_median": _says("The typical run of the search does not work: its best one is likely luck."),
    "cohort.dsr_median": _says("The typical run of the search is explained by luck."),
    "live.sharpe": _says("Where it counts it earns less than asked for."),
    "live.max_drawdown": _says("Where it counts it fell deeper than the policy bears."),
    "live.decay_ratio": _says("Its latest days are much worse than the days before: the edge is going."),
    "live.backtest_sharpe_ratio": _says("It keeps too little of what its backtest promised."),
    "live.backtest_drawdown_ratio": _says("It falls deeper than its backtest said."),
    "live.backtest_var_ratio": _says("Its bad days are worse than its backtest said."),
    "live.backtest_es_ratio": _says("Its worst days are worse than its backtest said."),
}
_REMEDIES: dict[str, Explain] = {
    "returns.sharpe_daily": _costs,
    "returns.max_drawdown": _smaller,
    "sample.effective_history_years": _more("years"),
    "sample.observation_days": _more("days with steps"),
    "sample.n_trades_total": _more("trades"),
    "sample.completed_runs": _more("runs"),
    "risk.adv_utilization_p95": _smaller,
    "risk.participation_rate_p95": _smaller,
    "risk.turnover_annual": _says("Trade on stronger signals only, or hold longer."),
    "robustness.deflated_sharpe_ratio": lambda view, check: _longer(
        view, view.trials.expected_max_sharpe, check.threshold
    ),
    "robustness.probabilistic_sharpe_ratio": lambda view, check: _longer(view, 0.0, check.threshold),
    "robustness.pbo": _says("Try fewer and simpler variants, and decide on them before looking."),
    "stress.net_sharpe": _costs,
    "stress.max_drawdown": _smaller,
    "stress.es_99": _smaller,
}
