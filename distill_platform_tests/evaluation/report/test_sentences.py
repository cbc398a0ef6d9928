"""The verdict in words: who reads only the first sentence knows what happened, who reads on knows what to do."""

import math
from dataclasses import replace
from typing import Any

import pytest

from distill_platform.evaluation.report.explanations import days_to_convince
from distill_platform.evaluation.report.sentences import findings, gate_reached, headline, verdict
from distill_platform.evaluation.report.view import ReportView, TrialsView
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.judging import judge_run
from distill_platform.policy.rules.result import RuleResult, numbers
from distill_platform.policy.words import Owner, RecommendedStage, Severity, Stage, Status
from distill_platform.stats import moments, psr_from_moments
from distill_platform_tests.evaluation.report import views
from distill_platform_tests.policy.worlds import world

REFUSED = views.SummaryView(Status.FAIL, RecommendedStage.BACKTEST_ONLY)


def failed(metric: str, parameter: str, observed: Any, threshold: float, **changes: Any) -> str:
    """Return what is said of a run that fails one bound."""
    code = "missing_metric" if observed is None else f"{metric.rpartition('.')[2]}_out_of_bounds"
    result = views.rule("rule", "fail", views.bound(metric, parameter, observed, threshold, code))
    view = views.passing(results=(result,), summary=REFUSED, metrics={**views.METRICS, metric: observed}, **changes)
    return " ".join(map(str, findings(view)))


def test_the_headline_says_where_it_ended_and_why() -> None:
    assert headline(views.view()) == (
        "Refused at stage 2 (wf): with 51 trials the best Sharpe ratio expected from luck alone is 1.31 a year; "
        "this run's 1.05 is below it (DSR 0.31, needed 0.95)."
    )


def test_a_pass_says_how_strong_and_who_decides_next() -> None:
    assert headline(views.passing()) == (
        "Passed: Sharpe ratio 1.05 ± 0.41 a year over 5.4 years; deepest fall 21.4 %. "
        "Next, stage 4 (paper forward) awaits manual approval by a named person."
    )
    assert gate_reached(views.passing()) == "stage 3 (stress)"


def test_a_pass_after_a_search_says_what_luck_explains() -> None:
    trials = TrialsView(20, 20, 20, 0, 0, 0.61, 1.05, 0.97, 0.1, 0.01)
    assert "of which luck explains 0.61 after 20 trials" in headline(views.passing(trials=trials))


def test_broken_numbers_come_before_everything_else() -> None:
    view = views.passing(broken=("pnl_sums_match", "clock_monotone"))
    assert headline(view).startswith("Refused before any metric counts: the bundle's own numbers disagree")
    assert "pnl sums match and clock monotone do not hold" in headline(view)
    assert findings(view)[0].remedy.startswith("Correct the engine's accounting")


def test_a_run_that_passes_its_rules_and_fails_a_gate_did_not_pass() -> None:
    gates = (*views.OPEN_GATES[:2], views.gate("stage2_wf", "fail", "wf.oos_sum_pnl > 0 does not hold: it is -0.1"))
    view = views.passing(gates=gates)
    assert verdict(view) == "Stopped at a gate"
    assert headline(view).startswith("Stopped at stage 2 (wf): wf.oos_sum_pnl > 0 does not hold")
    assert "On data that the search had not seen it did not make money." in str(findings(view)[-1])


def test_a_gate_that_cannot_be_decided_stops_a_run_too() -> None:
    unknown = views.gate("stage2_wf", "insufficient_observation", "wf.oos_sum_pnl > 0 cannot be decided: it is missing")
    view = views.passing(gates=(*views.OPEN_GATES[:2], unknown))
    assert headline(view).startswith("Stopped at stage 2 (wf): wf.oos_sum_pnl > 0 cannot be decided")


def test_without_rules_nothing_passes_and_it_says_so() -> None:
    view = views.passing(results=(views.not_asked("sample"),), gates=(), summary=REFUSED)
    assert headline(view) == "Refused: no rule was executed, and without rules nothing passes."


def test_reservations_are_named() -> None:
    soft = views.rule("stress", "fail", views.bound("stress.fees_x2.net_sharpe", "min_net_sharpe", -0.2, 0.0, "x"),
                      severity="soft")  # fmt: skip
    watch = views.gate("stage1_dev", "watch", "triage.sample_starved == true is an alarm")
    summary = views.SummaryView(Status.WARN, RecommendedStage.PAPER_ONLY)
    view = views.passing(results=(views.RESULTS[1], soft), gates=(watch, *views.OPEN_GATES[2:]), summary=summary)
    assert headline(view).startswith("Passed with reservations: Sharpe ratio 1.05 ± 0.41")
    assert "To be watched: Sharpe ratio under fees_x2 and stage 1 (dev)." in headline(view)


def test_missing_is_no_pass_and_says_what_to_hand_in() -> None:
    said = failed("wf.oos_is_ratio", "min_oos_is_ratio", None, 0.3)
    assert "is not measured; at least 0.30 is needed." in said
    assert "What was not measured does not pass. Hand in folds.parquet" in said


@pytest.mark.parametrize(
    ("metric", "parameter", "observed", "threshold", "said"),
    [
        ("sample.effective_history_years", "min_effective_years", 1.4, 2.0, "0.6 more years would do"),
        ("sample.n_trades_total", "min_trades_total", 31, 50, "19 more trades would do"),
        ("returns.max_drawdown", "max_drawdown", 0.5, 0.25, "At about 50 % of today's size it would hold"),
        ("returns.sharpe_daily", "min_sharpe", 0.3, 0.5, "Nothing is left at 4.2 bps more, and it trades 38.2 times"),
        ("robustness.pbo", "max_pbo", 0.44, 0.2, "In 44 % of the splits the variant that was best in sample"),
        ("robustness.sharpe_gap", "max_sharpe_gap", 1.3, 1.0, "It fades: 1.70 a year in the first half of its days"),
        ("risk.turnover_annual", "max_turnover_annual", 38.2, 20.0, "×38.2; at most ×20.0 is needed"),
        ("stress.fees_x2.net_sharpe", "min_net_sharpe", -0.1, 0.0, "Under costs that may well come"),
    ],
)
def test_a_failure_says_what_it_means_and_what_would_help(
    metric: str, parameter: str, observed: float, threshold: float, said: str
) -> None:
    assert said.lower() in failed(metric, parameter, observed, threshold).lower()


def test_a_run_below_luck_is_told_that_waiting_does_not_help() -> None:
    assert "No length of such a record would do" in " ".join(map(str, findings(views.view())))


def test_a_run_above_luck_is_told_how_long_to_wait() -> None:
    trials = TrialsView(10, 10, 10, 0, 0, 0.6, 1.05, 0.85, 0.1, 0.1)
    said = failed(views.DSR, "min_dsr", 0.85, 0.95, trials=trials)
    assert "At this ratio it takes about" in said
    assert "there are 1,360" in said


@pytest.mark.parametrize("benchmark", [0.0, 0.4, 0.9])
def test_the_days_to_wait_are_those_that_convince(benchmark: float) -> None:
    view = views.view()
    days = days_to_convince(view, benchmark, 0.95)
    found = moments(view.daily.net)
    daily = found.mean / found.sd
    reached = psr_from_moments(daily, daily * benchmark / 1.05, days, found.skew, found.kurt)
    assert reached == pytest.approx(0.95)


def test_nobody_says_how_long_where_nothing_was_measured() -> None:
    assert math.isnan(days_to_convince(views.bare(5), 0.0, 0.95))
    assert days_to_convince(views.view(), 2.0, 0.95) == math.inf


def test_a_raised_flag_is_a_finding_with_its_meaning() -> None:
    found = findings(views.view())[0]
    assert found.observed == "Cost change: costs fell from 5.0/3.0 to 1.0/1.0 bps after run-0040 failed."
    assert "the costs of the run are below those of earlier runs" in found.meaning


def test_a_rule_of_another_kind_speaks_for_itself() -> None:
    gaming = RuleResult("gaming", Status.FAIL, Severity.BLOCKING, Owner.RISK, "cost_change", "costs were cut", (),
                        numbers(None, None, None))  # fmt: skip
    view = views.passing(results=(*views.RESULTS[:2], gaming), summary=REFUSED)
    assert headline(view) == "Refused: costs were cut."


@pytest.mark.parametrize("n_days", [1, 2, 400])
def test_whatever_a_world_asks_of_an_empty_run_is_answered_in_sentences(n_days: int) -> None:
    """Every bound of the example world on a run that measured nothing: no crash, no pass, no empty sentence."""
    judged = judge_run(world(), Stage.BACKTEST, {})
    summary = views.SummaryView(judged.summary.status, judged.summary.recommended_stage)
    view = replace(views.bare(n_days), results=judged.results, summary=summary, broken=())
    said = findings(view)
    assert len(said) >= 8
    assert all("not measured" in found.observed for found in said)
    assert headline(view).startswith("Refused: ")


def test_every_metric_can_be_said() -> None:
    view = views.view()
    for metric in CATALOGUE:
        for observed in (0.5, math.nan, None):
            code = "missing_metric" if observed is None else "above_max"
            result = views.rule("rule", "fail", views.bound(metric, "max_it", observed, 0.2, code))
            one = findings(replace(view, results=(result,), gaming=()))[0]
            assert one.observed.endswith("is needed.")
            assert "nan" not in str(one).replace("finance", "")


def test_no_view_changes_by_being_described() -> None:
    view: ReportView = views.view()
    assert headline(view) == headline(view)
    assert findings(view) == findings(view)
