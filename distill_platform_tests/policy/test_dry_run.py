"""A dry run judges every run by itself, adds what only the whole set can say, and depends on nothing else."""

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import ConfigError
from distill_platform.policy.dry_run import dry_run
from distill_platform.policy.judging import judge_run
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.summary import summarize
from distill_platform.policy.words import Owner, Severity, Stage, Status
from distill_platform_tests.policy.worlds import demanding, line, metrics, world

FAILS = {"returns__max_drawdown": 0.9}


def test_the_answer_has_the_keys_of_the_contract() -> None:
    answer = dry_run(world(), Stage.BACKTEST, [line("b", 1.0), line("a", 2.0)]).to_dict()
    assert list(answer) == ["world_id", "policy_version", "ruleset_hash", "stage", "selected", "runs"]
    assert (answer["world_id"], answer["policy_version"], answer["stage"]) == ("us_equity_daily", 1, "backtest")
    assert answer["ruleset_hash"] == world().ruleset_hash
    assert answer["selected"] == ["a", "b"]
    first = answer["runs"][0]
    assert list(first) == ["strategy_id", "run_id", "summary", "results"]
    assert (first["strategy_id"], first["run_id"]) == ("a", "r1")
    assert first["summary"] == {"status": "pass", "recommended_stage": "paper_ok_live_candidate"}
    for result in first["results"]:
        assert list(result) == ["rule", "status", "severity", "owner", "reason_code", "reason", "tags", "details"]
        assert {"observed", "threshold", "margin"} <= set(result["details"])


def result(status: str, severity: str, code: str = "ok") -> RuleResult:
    return RuleResult("sample", Status(status), Severity(severity), Owner.QUANT, code, "why", (), {})


@pytest.mark.parametrize(
    ("results", "status", "stage"),
    [
        ([], "fail", "backtest_only"),
        ([("pass", "info", "not_configured")], "fail", "backtest_only"),
        ([("warn", "blocking", "rule_error")], "fail", "backtest_only"),
        ([("pass", "blocking")], "pass", "paper_ok_live_candidate"),
        ([("pass", "blocking"), ("fail", "soft")], "warn", "paper_only"),
        ([("pass", "blocking"), ("fail", "info")], "warn", "paper_only"),
        ([("pass", "blocking"), ("warn", "blocking")], "warn", "paper_only"),
        ([("pass", "blocking"), ("warn", "info")], "warn", "paper_only"),
        ([("warn", "soft"), ("fail", "blocking")], "fail", "backtest_only"),
    ],
)
def test_the_summary_is_a_function_of_the_results(results: list[tuple[str, ...]], status: str, stage: str) -> None:
    assert summarize(result(*given) for given in results).to_dict() == {"status": status, "recommended_stage": stage}


def test_no_activity_is_no_pass() -> None:
    """A run that never trades has no Sharpe ratio, no trades and NaN where others have merits."""
    idle = metrics({
        "returns.sharpe_daily": math.nan, "returns.max_drawdown": 0.0, "returns.gain_to_pain_ratio": math.nan,
        "sample.n_trades_total": 0, "risk.adv_utilization_p95": 0.0, "risk.participation_rate_p95": 0.0,
    })  # fmt: skip
    judged = judge_run(world(), Stage.BACKTEST, idle)
    assert judged.summary.status is Status.FAIL
    assert {found.reason_code for found in judged.results if found.status is Status.FAIL} == {
        "n_trades_total_below_min",
        "invalid_metric",
    }


def test_a_stage_without_a_profile_is_an_error_not_a_verdict() -> None:
    with pytest.raises(ConfigError, match="no profile for stage live"):
        dry_run(world(), Stage.LIVE, [line("a")])


def test_cohort_medians_and_ranks_are_over_all_runs_unless_a_line_brings_its_own() -> None:
    told = demanding(cohort={"min_sharpe_median": 1.0, "min_dsr_median": 0.9, "top_k": 2, "severity": "blocking"})

    def bare(name: str, sharpe: Any, **more: Any) -> MetricsLine:
        given = {"returns.sharpe_daily": sharpe, "robustness.deflated_sharpe_ratio": 0.95, **more}
        return MetricsLine(name, "r1", given)

    run = dry_run(told, Stage.BACKTEST, [bare("a", 3.0), bare("b", 1.0), bare("c", math.nan), bare("d", 1.0)])
    found = {judged.line.strategy_id: judged.results[5] for judged in run.runs}
    observed = {name: [part["observed"] for part in given.parameters] for name, given in found.items()}
    assert observed == {
        "a": [1.0, 0.95, 1],
        "b": [1.0, 0.95, 2],
        "c": [1.0, 0.95, None],
        "d": [1.0, 0.95, 3],
    }
    assert [found[name].reason_code for name in "abcd"] == ["ok", "ok", "invalid_metric", "rank_above_max"]
    own = dry_run(told, Stage.BACKTEST, [bare("a", 3.0, **{"cohort.sharpe_median": 0.5})])
    assert own.runs[0].results[5].reason_code == "sharpe_median_below_min"


def test_a_cohort_of_which_half_cannot_be_read_has_no_median() -> None:
    told = demanding(cohort={"min_sharpe_median": -9.0})
    lines = [MetricsLine(name, "r1", {"returns.sharpe_daily": value}) for name, value in (("a", 5.0), ("b", None))]
    assert {run.results[5].reason_code for run in dry_run(told, Stage.BACKTEST, lines).runs} == {"invalid_metric"}


def test_two_runs_of_one_strategy_share_its_place() -> None:
    told = demanding(cohort={"top_k": 1})
    lines = [
        MetricsLine(name, run, {"returns.sharpe_daily": value})
        for name, run, value in (("a", "r1", 3.0), ("a", "r2", 2.0), ("b", "r1", 2.5))
    ]
    assert [run.results[5].reason_code for run in dry_run(told, Stage.BACKTEST, lines).runs] == [
        "ok",
        "rank_above_max",
        "rank_above_max",
    ]


values = st.one_of(st.floats(), st.none(), st.sampled_from([0.5, 0.6, 1.2, 3.0]))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("rst"), values), min_size=1, unique_by=lambda t: t[:2]),
    st.randoms(),
)
def test_the_order_of_runs_does_not_matter(rows: list[tuple[str, str, Any]], random: Any) -> None:
    lines = [line(strategy, value, run) for strategy, run, value in rows]
    shuffled = random.sample(lines, len(lines))
    here, there = (dry_run(world(), Stage.BACKTEST, given) for given in (lines, shuffled))
    assert here.to_dict() == there.to_dict()


@given(values, values)
def test_a_run_s_own_rules_do_not_depend_on_other_runs(one: Any, other: Any) -> None:
    alone = dry_run(world(selection=None), Stage.BACKTEST, [line("a", one)])
    together = dry_run(world(selection=None), Stage.BACKTEST, [line("b", other), line("a", one)])
    assert alone.runs[0].to_dict() == together.runs[0].to_dict()
