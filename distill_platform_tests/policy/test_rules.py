"""Each parameter of each rule bounds one metric: the bound itself passes, past it fails, and nothing else passes."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import ConfigError
from distill_platform.policy.judging import judge_run, validation_health
from distill_platform.policy.profiles import Profile
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.words import Owner, Severity, Stage, Status
from distill_platform_tests.policy.worlds import demanding, metrics, world

GAP = "robustness.sharpe_gap"
# rule, parameter, bound, metric, a value just past the bound, how the reason code ends
ROWS = [
    ("data_currency", "max_lag_s", 60.0, "sample.data_lag_s", 60.5, "above_max"),
    ("data_currency", "min_coverage", 0.9, "sample.data_coverage", 0.89, "below_min"),
    ("sample", "min_effective_years", 2.0, "sample.effective_history_years", 1.99, "below_min"),
    ("sample", "min_observation_days", 500, "sample.observation_days", 499, "below_min"),
    ("sample", "min_trades_total", 50, "sample.n_trades_total", 49, "below_min"),
    ("sample", "min_trades_per_year", 12.5, "sample.n_trades_per_year", 12, "below_min"),
    ("sample", "min_completed_runs", 2, "sample.completed_runs", 1, "below_min"),
    ("performance", "min_sharpe", 0.5, "returns.sharpe_daily", 0.49, "below_min"),
    ("performance", "max_drawdown", 0.25, "returns.max_drawdown", 0.2500001, "above_max"),
    ("performance", "min_gain_to_pain", 1.0, "returns.gain_to_pain_ratio", 0.9, "below_min"),
    ("performance", "max_time_under_water", 0.6, "returns.time_under_water_ratio", 0.7, "above_max"),
    ("risk_constraint", "max_adv_utilization_p95", 0.5, "risk.adv_utilization_p95", 0.51, "above_max"),
    ("risk_constraint", "max_participation_rate_p95", 0.4, "risk.participation_rate_p95", 0.41, "above_max"),
    ("risk_constraint", "max_reject_rate", 0.05, "risk.reject_rate", 0.06, "above_max"),
    ("risk_constraint", "max_turnover_annual", 20, "risk.turnover_annual", 20.1, "above_max"),
    ("robustness", "min_dsr", 0.95, "robustness.deflated_sharpe_ratio", 0.949, "below_min"),
    ("robustness", "min_psr", 0.95, "robustness.probabilistic_sharpe_ratio", 0.9, "below_min"),
    ("robustness", "max_pbo", 0.2, "robustness.pbo", 0.21, "above_max"),
    ("robustness", "min_bootstrap_p", 0.9, "robustness.bootstrap_p_positive", 0.8, "below_min"),
    ("cohort", "min_sharpe_median", 0.3, "cohort.sharpe_median", 0.2, "below_min"),
    ("cohort", "min_dsr_median", 0.5, "cohort.dsr_median", 0.4, "below_min"),
    ("cohort", "top_k", 3, "cohort.rank", 4, "above_max"),
    ("portfolio", "max_incremental_var_99", 0.01, "risk.incremental_var_99", 0.02, "above_max"),
    ("portfolio", "max_incremental_es_99", -0.01, "risk.incremental_es_99", 0.0, "above_max"),
    ("portfolio", "min_portfolio_sharpe_uplift", 0.05, "portfolio.portfolio_sharpe_uplift", 0.0, "below_min"),
    ("benchmark", "min_vs_benchmark_sharpe", 0.1, "benchmark.vs_benchmark_sharpe", 0.0, "below_min"),
    ("paper_shadow_consistency", "min_sharpe_ratio", 0.5, "live.backtest_sharpe_ratio", 0.4, "below_min"),
    ("paper_shadow_consistency", "max_drawdown_ratio", 1.5, "live.backtest_drawdown_ratio", 1.6, "above_max"),
    ("paper_shadow_consistency", "max_var_ratio", 1.5, "live.backtest_var_ratio", 1.6, "above_max"),
    ("paper_shadow_consistency", "max_es_ratio", 1.5, "live.backtest_es_ratio", 1.6, "above_max"),
    ("live_monitoring", "lookback_days", 30, "live.days", 29, "below_min"),
    ("live_monitoring", "min_live_sharpe", 0.2, "live.sharpe", 0.1, "below_min"),
    ("live_monitoring", "max_live_drawdown", 0.1, "live.max_drawdown", 0.11, "above_max"),
    ("live_monitoring", "min_decay_ratio", 0.5, "live.decay_ratio", 0.4, "below_min"),
    ("stress", "min_net_sharpe", 0.0, "stress.fees_x2.net_sharpe", -0.1, "below_min"),
    ("stress", "max_drawdown", 0.3, "stress.fees_x2.max_drawdown", 0.31, "above_max"),
    ("stress", "max_es_99", 0.05, "stress.fees_x2.es_99", 0.06, "above_max"),
]  # fmt: skip
TABLE = [(*row[:5], f"{row[3].rpartition('.')[2]}_{row[5]}") for row in ROWS]
DEFAULTS = {
    "data_currency": ("blocking", "ops"), "sample": ("blocking", "quant"), "performance": ("blocking", "quant"),
    "risk_constraint": ("blocking", "risk"), "robustness": ("blocking", "quant"), "cohort": ("soft", "risk"),
    "portfolio": ("soft", "risk"), "benchmark": ("soft", "quant"), "stress": ("soft", "risk"),
    "paper_shadow_consistency": ("soft", "ops"), "live_monitoring": ("soft", "risk"),
}  # fmt: skip
UNUSABLE = [math.nan, math.inf, -math.inf, None, "0.9", True, False, [], {}, 10**30, np.float64("nan"), b"1", 1j]
lines_of_the_table = pytest.mark.parametrize(
    ("rule", "parameter", "bound", "metric", "past", "code"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE]
)


def block(rule: str, parameter: str, bound: float, **more: str) -> dict[str, Any]:
    return {"scenarios": {"fees_x2": {parameter: bound}}, **more} if rule == "stress" else {parameter: bound, **more}


def verdicts(rule: str, rules: Mapping[str, Any], given: Mapping[str, Any]) -> list[RuleResult]:
    judged = judge_run(demanding(**rules), Stage.BACKTEST, given)
    return [result for result in judged.results if result.rule == rule]


def verdict(rule: str, rules: Mapping[str, Any], given: Mapping[str, Any]) -> RuleResult:
    (only,) = verdicts(rule, rules, given)
    return only


def judge(rule: str, parameter: str, bound: float, given: Mapping[str, Any]) -> RuleResult:
    return verdict(rule, {rule: block(rule, parameter, bound)}, given)


@lines_of_the_table
def test_the_bound_itself_passes(rule: str, parameter: str, bound: float, metric: str, past: float, code: str) -> None:
    result = judge(rule, parameter, bound, metrics({metric: bound}))
    assert (result.status, result.reason_code, result.tags) == (Status.PASS, "ok", (metric, parameter))
    assert (result.details["observed"], result.details["threshold"], result.details["margin"]) == (bound, bound, 0)


@lines_of_the_table
def test_past_the_bound_fails_and_says_by_how_much(
    rule: str, parameter: str, bound: float, metric: str, past: float, code: str
) -> None:
    result = judge(rule, parameter, bound, metrics({metric: past}))
    assert (result.status, result.reason_code, result.tags) == (Status.FAIL, code, (code, metric, parameter))
    assert (result.severity, result.owner) == DEFAULTS[rule]
    assert result.details["observed"] == past
    assert result.details["threshold"] == bound
    assert result.details["margin"] == -abs(past - bound)
    assert metric in result.reason
    (finding,) = result.parameters
    assert (finding["parameter"], finding["metric"], finding["reason_code"]) == (parameter, metric, code)


@lines_of_the_table
def test_a_missing_metric_is_no_pass(
    rule: str, parameter: str, bound: float, metric: str, past: float, code: str
) -> None:
    result = judge(rule, parameter, bound, metrics(without=metric))
    assert (result.status, result.reason_code) == (Status.FAIL, "missing_metric")
    assert (result.details["observed"], result.details["threshold"], result.details["margin"]) == (None, bound, None)


@lines_of_the_table
def test_nan_passes_no_threshold_and_nothing_else_does_that_is_not_a_finite_number(
    rule: str, parameter: str, bound: float, metric: str, past: float, code: str
) -> None:
    for value in UNUSABLE:
        result = judge(rule, parameter, bound, metrics({metric: value}))
        assert (result.status, result.reason_code, result.details["margin"]) == (Status.FAIL, "invalid_metric", None)


@lines_of_the_table
def test_a_profile_overrides_severity_and_owner(
    rule: str, parameter: str, bound: float, metric: str, past: float, code: str
) -> None:
    rules = {rule: block(rule, parameter, bound, severity="info", owner="ops")}
    result = verdict(rule, rules, metrics({metric: past}))
    assert (result.status, result.severity, result.owner) == (Status.FAIL, Severity.INFO, Owner.OPS)
    assert judge_run(demanding(**rules), Stage.BACKTEST, metrics({metric: past})).summary.status is Status.WARN


def test_the_table_is_complete() -> None:
    in_code = {
        (name, parameter)
        for name, rule in Profile().blocks()
        for parameter in type(rule).model_fields
        if parameter not in ("severity", "owner", "scenarios", "max_sharpe_gap")
    }
    assert in_code == {(row[0], row[1]) for row in TABLE if row[0] != "stress"}
    assert [name for name, _ in Profile().blocks()] == list(DEFAULTS)


@pytest.mark.parametrize(("halves", "status"), [((1.5, 1.0), "pass"), ((1.6, 1.0), "fail"), ((1.0, 1.6), "fail")])
def test_the_sharpe_gap_is_the_distance_of_the_halves(halves: tuple[float, float], status: str) -> None:
    given = metrics({"robustness.sharpe_first_half": halves[0], "robustness.sharpe_second_half": halves[1]})
    result = judge("robustness", "max_sharpe_gap", 0.5, {**given, GAP: 0.0})
    assert result.status == status
    assert result.details["observed"] == pytest.approx(abs(halves[0] - halves[1]))
    assert result.reason_code == ("ok" if status == "pass" else "sharpe_gap_above_max")


@pytest.mark.parametrize(("halves", "bound"), [((0.9, 0.6), 0.3), ((0.1, 0.4), 0.3), ((1.1, 1.0), 0.1)])
def test_a_gap_is_the_difference_of_the_numbers_as_they_are_written(halves: tuple[float, float], bound: float) -> None:
    given = metrics({"robustness.sharpe_first_half": halves[0], "robustness.sharpe_second_half": halves[1]})
    result = judge("robustness", "max_sharpe_gap", bound, given)
    assert (result.status, result.details["observed"], result.details["margin"]) == (Status.PASS, bound, 0.0)


@pytest.mark.parametrize("half", ["robustness.sharpe_first_half", "robustness.sharpe_second_half"])
def test_half_a_sharpe_gap_is_none(half: str) -> None:
    assert judge("robustness", "max_sharpe_gap", 0.5, metrics(without=half)).reason_code == "missing_metric"
    assert judge("robustness", "max_sharpe_gap", 0.5, metrics({half: math.nan})).reason_code == "invalid_metric"


def test_a_gap_too_wide_for_a_float_is_past_every_bound() -> None:
    far = metrics({"robustness.sharpe_first_half": 1.7e308, "robustness.sharpe_second_half": -1.7e308})
    result = judge("robustness", "max_sharpe_gap", 1e308, far)
    assert (result.status, result.details["observed"], result.details["margin"]) == (Status.FAIL, "Infinity", None)


def test_a_stress_metric_never_stands_in_for_a_missing_one_nor_a_plain_one_for_a_stress_metric() -> None:
    plain = judge("performance", "max_drawdown", 0.25, metrics(without="returns.max_drawdown"))
    assert plain.reason_code == "missing_metric"
    without = metrics(without="stress.fees_x2.max_drawdown")
    assert {"returns.max_drawdown", "live.max_drawdown", "stress.slippage_bps_2.max_drawdown"} <= set(without)
    assert judge("stress", "max_drawdown", 0.3, without).reason_code == "missing_metric"


def test_a_rule_has_a_result_for_each_bound_that_does_not_hold() -> None:
    rules = {"performance": {"min_gain_to_pain": 2.0, "max_drawdown": 0.25, "min_sharpe": 2.0}}
    first, second = verdicts("performance", rules, metrics())
    assert (first.reason_code, second.reason_code) == ("sharpe_daily_below_min", "gain_to_pain_ratio_below_min")
    assert [(result.status, result.severity) for result in (first, second)] == [(Status.FAIL, Severity.BLOCKING)] * 2
    assert dict(first.details) == {"observed": 1.2, "threshold": 2.0, "margin": -0.8}
    assert dict(second.details) == {"observed": 1.5, "threshold": 2.0, "margin": -0.5}
    assert second.reason == "returns.gain_to_pain_ratio is 1.5, below the minimum of 2.0"
    assert second.tags == ("gain_to_pain_ratio_below_min", "returns.gain_to_pain_ratio", "min_gain_to_pain")


def test_the_results_of_a_rule_show_each_of_its_bounds_once() -> None:
    rules = {"performance": {"min_gain_to_pain": 2.0, "max_drawdown": 0.25, "min_sharpe": 2.0}}
    first, second = verdicts("performance", rules, metrics())
    assert [part["parameter"] for part in first.parameters] == ["min_sharpe", "max_drawdown"]
    assert [part["reason_code"] for part in first.parameters[:2]] == ["sharpe_daily_below_min", "ok"]
    assert [part["parameter"] for part in second.parameters] == ["min_gain_to_pain"]
    (holds,) = verdicts("performance", {"performance": {"min_sharpe": 0.1, "max_drawdown": 0.5}}, metrics())
    assert [part["parameter"] for part in holds.parameters] == ["min_sharpe", "max_drawdown"]


def test_a_rule_that_passes_shows_its_nearest_bound() -> None:
    rules = {"performance": {"min_sharpe": 0.1, "max_drawdown": 0.11}}
    result = verdict("performance", rules, metrics())
    assert (result.status, result.details["threshold"]) == (Status.PASS, 0.11)


def test_every_stress_scenario_must_hold() -> None:
    bounds = {"fees_x2": {"min_net_sharpe": 0.95}, "slippage_bps_2": {"min_net_sharpe": 0.95}}
    result = verdict("stress", {"stress": {"scenarios": bounds}}, metrics())
    assert result.status is Status.FAIL
    assert result.tags[1] == "stress.slippage_bps_2.net_sharpe"
    assert "stress.slippage_bps_2.net_sharpe is 0.9, below" in result.reason


def test_a_rule_without_parameters_says_that_it_is_not_configured() -> None:
    judged = judge_run(demanding(performance={"min_sharpe": 0.5}, sample={"severity": "soft"}), Stage.BACKTEST, {})
    others = [result for result in judged.results if result.rule != "performance"]
    assert len(others) == 10
    assert {result.reason_code for result in others} == {"not_configured"}
    assert all(result.reason.startswith("not configured: ") for result in others)
    assert {result.status for result in others} == {Status.PASS}
    assert not any(result.executed for result in others)


def test_a_profile_that_configures_no_rule_fails() -> None:
    for rules in ({}, {"sample": {}}, {"performance": {"severity": "info"}}, {"stress": {"scenarios": {}}}):
        judged = judge_run(demanding(**rules), Stage.BACKTEST, metrics())
        assert judged.summary.status is Status.FAIL
        assert judged.results[-1].reason_code == "no_rules_configured"
        assert (judged.results[-1].status, judged.results[-1].severity) == (Status.FAIL, Severity.BLOCKING)


class Broken(Mapping[str, Any]):
    """Metrics whose look-up crashes, for all that rules look at."""

    def __getitem__(self, name: str) -> Any:
        if name.startswith(("invariants.", "triage.")):
            raise KeyError(name)
        raise RuntimeError(f"no {name} today")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("on_error", ["fail", "warn"])
def test_a_crashed_rule_is_no_pass(on_error: str) -> None:
    told = world(validation={"on_error": on_error})
    judged = judge_run(told, Stage.BACKTEST, Broken())
    crashed = [result for result in judged.results if result.reason_code == "rule_error"]
    assert [result.rule for result in crashed] == ["sample", "performance", "risk_constraint", "robustness"]
    assert {result.status for result in crashed} == {Status(on_error)}
    assert judged.summary.status is Status.FAIL  # no rule was executed


def test_on_missing_metric_warns_about_missing_ones_only() -> None:
    lenient = world(validation={"on_missing_metric": "warn"})
    missing = judge_run(lenient, Stage.BACKTEST, metrics(without="robustness.pbo"))
    assert missing.summary.status is Status.WARN
    assert [result.status for result in missing.results if result.reason_code == "missing_metric"] == [Status.WARN]
    for spoiled in ({"robustness.pbo": None}, {"robustness.pbo": math.nan}, {"robustness.deflated_sharpe_ratio": 0.1}):
        assert judge_run(lenient, Stage.BACKTEST, metrics(spoiled)).summary.status is Status.FAIL
    both = judge_run(
        lenient, Stage.BACKTEST, metrics({"robustness.pbo": 0.9}, without="robustness.deflated_sharpe_ratio")
    )
    robustness = [result for result in both.results if result.rule == "robustness"]
    assert [(result.status, result.reason_code) for result in robustness] == [
        (Status.FAIL, "pbo_above_max"),
        (Status.WARN, "missing_metric"),
    ]


def test_numpy_numbers_are_numbers() -> None:
    given = {name: np.asarray(value)[()] for name, value in metrics().items()}
    assert judge_run(world(), Stage.BACKTEST, given).summary.status is Status.PASS


def test_a_missing_profile_never_falls_back_to_another() -> None:
    with pytest.raises(ConfigError, match="no profile for stage live") as caught:
        judge_run(world(), Stage.LIVE, metrics())
    assert "default_profile_by_stage.live" in caught.value.hint
    assert "backtest, paper" in caught.value.hint


def test_the_stage_decides_the_profile() -> None:
    young = metrics({"sample.effective_history_years": 2.5})
    assert judge_run(world(), Stage.BACKTEST, young).summary.status is Status.PASS
    assert judge_run(world(), Stage.PAPER, young).summary.status is Status.FAIL


def test_health_counts_what_the_profile_needs() -> None:
    assert validation_health(world(), Stage.BACKTEST, metrics()) == {
        "metric_coverage_ratio": 1.0,
        "rules_executed_ratio": 1.0,
    }
    spoiled = metrics({"robustness.pbo": math.nan}, without="sample.n_trades_total")
    assert validation_health(world(), Stage.BACKTEST, spoiled) == {
        "metric_coverage_ratio": 7 / 9,
        "rules_executed_ratio": 0.5,
    }
    assert math.isnan(validation_health(demanding(), Stage.BACKTEST, metrics())["metric_coverage_ratio"])


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.none(), max_size=2),
    st.just({}), st.binary(max_size=3), st.complex_numbers(),
)  # fmt: skip
RANKS = {Status.FAIL: 0, Status.WARN: 1, Status.PASS: 2}


limits = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@given(st.sampled_from(TABLE), limits, limits, st.one_of(limits, st.floats(), anything))
def test_a_tighter_threshold_never_turns_a_failure_into_a_pass(
    row: tuple[str, str, float, str, float, str], one: float, other: float, value: object
) -> None:
    rule, parameter, _, metric, _, code = row
    tight, loose = (
        (min(one, other), max(one, other)) if code.endswith("above_max") else (max(one, other), min(one, other))
    )
    if parameter in ("top_k", "lookback_days"):
        tight, loose = (1, 2) if parameter == "top_k" else (2, 1)
    before, after = (judge(rule, parameter, limit, {metric: value}).status for limit in (loose, tight))
    assert RANKS[after] <= RANKS[before]


@given(st.dictionaries(st.sampled_from(sorted(metrics())), anything, min_size=1))
def test_random_garbage_never_passes_and_never_crashes(garbage: dict[str, object]) -> None:
    judged = judge_run(world(), Stage.BACKTEST, metrics(garbage))
    usable = {name for name, value in metrics(garbage).items() if type(value) in (int, float) and math.isfinite(value)}
    for result in judged.results:
        needed = {finding["metric"] for finding in result.parameters}
        assert result.reason_code != "rule_error"
        assert result.status is not Status.PASS or needed <= usable
