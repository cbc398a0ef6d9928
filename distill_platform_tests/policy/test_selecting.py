"""Selection: of the runs that did not fail the best k, of these the unlike, of these those past the hysteresis."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.policy.dry_run import NO_CONTEXT, DryRun, dry_run
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.selecting import Context
from distill_platform.policy.words import Stage
from distill_platform_tests.policy.worlds import line, world

SHARPE = "returns.sharpe_daily"
RULES = {"backtest": {"performance": {"max_drawdown": 0.25}}, "paper": {}}


def chosen(
    selection: Mapping[str, Any] | None, lines: Iterable[MetricsLine], context: Context = NO_CONTEXT
) -> tuple[DryRun, dict[str, RuleResult]]:
    """The dry run, and the selection's result for each strategy that was left out."""
    run = dry_run(world(validation_profiles=RULES, selection=selection), Stage.BACKTEST, lines, context)
    out = {
        judged.line.strategy_id: result
        for judged in run.runs
        for result in judged.results
        if result.rule == "selection"
    }
    return run, out


def top(k: int, metric: str = SHARPE) -> dict[str, Any]:
    return {"top_k": {"metric": metric, "k": k}}


FOUR = [line("a", 1.0), line("b", 3.0), line("c", 2.0), line("d", 0.5)]


def test_without_a_selection_every_strategy_that_did_not_fail_is_selected_best_first() -> None:
    run, out = chosen(None, [*FOUR, line("e", 9.0, returns__max_drawdown=0.3)])
    assert (run.selected, out) == (("b", "c", "a", "d"), {})


def test_the_best_k_are_taken_and_the_others_say_why_not() -> None:
    run, out = chosen(top(2), FOUR)
    assert run.selected == ("b", "c")
    assert {strategy: result.reason_code for strategy, result in out.items()} == {
        "a": "rank_outside_top_k",
        "d": "rank_outside_top_k",
    }
    assert (out["a"].status, out["a"].severity, out["a"].owner) == ("fail", "soft", "risk")
    assert out["d"].details == {"observed": 4, "threshold": 2, "margin": -2}


def test_a_strategy_left_out_is_at_most_worth_a_warning() -> None:
    run, _ = chosen(top(1), FOUR)
    assert {judged.line.strategy_id: judged.summary.status for judged in run.runs} == {
        "a": "warn", "b": "pass", "c": "warn", "d": "warn",
    }  # fmt: skip


def test_equal_ones_are_taken_by_name() -> None:
    run, _ = chosen(top(2), [line("b"), line("c"), line("a")])
    assert run.selected == ("a", "b")
    run, _ = chosen(top(1), [line("z", 0.0), line("a", -0.0)])
    assert run.selected == ("a",)


def test_a_failed_run_takes_nobody_s_place_and_is_not_left_out_but_failed() -> None:
    run, out = chosen(top(1), [line("a", 9.0, returns__max_drawdown=0.26), line("b", 1.0)])
    assert run.selected == ("b",)
    assert "a" not in out


def test_a_metric_of_which_less_is_better_ranks_from_below() -> None:
    lines = [line("a", returns__max_drawdown=0.2), line("b", returns__max_drawdown=0.1)]
    assert chosen(top(1, "returns.max_drawdown"), lines)[0].selected == ("b",)


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "9", True])
def test_who_cannot_be_ranked_is_left_out_and_takes_nobody_s_place(value: object) -> None:
    run, out = chosen(top(1), [line("a", value), line("b", 0.1)])
    assert run.selected == ("b",)
    assert (out["a"].status, out["a"].reason_code) == ("fail", "invalid_metric")
    missing = MetricsLine("a", "r1", {"returns.max_drawdown": 0.1})
    assert chosen(top(1), [missing, line("b", 0.1)])[1]["a"].reason_code == "missing_metric"


def test_of_two_that_are_alike_the_better_one_is_taken_and_nobody_moves_up() -> None:
    selection = {**top(3), "correlation": {"max": 0.8}}
    run, out = chosen(selection, FOUR, Context({("b", "c"): 0.81}))
    assert run.selected == ("b", "a")
    assert out["c"].reason_code == "correlation_constraint_failed"
    assert out["c"].details["observed"] == 0.81
    assert "with b" in out["c"].reason
    assert out["d"].reason_code == "rank_outside_top_k"


def test_a_correlation_at_the_limit_is_allowed_and_one_that_was_refused_keeps_nobody_out() -> None:
    selection = {"correlation": {"max": 0.8}}
    assert len(chosen(selection, FOUR, Context({("b", "c"): 0.8}))[0].selected) == 4
    alike = Context({("b", "c"): 0.9, ("a", "c"): 0.9})
    assert chosen(selection, FOUR, alike)[0].selected == ("b", "a", "d")


def test_a_correlation_that_nobody_measured_is_taken_to_be_one_half() -> None:
    assert len(chosen({"correlation": {"max": 0.5}}, FOUR)[0].selected) == 4
    assert chosen({"correlation": {"max": 0.49}}, FOUR)[0].selected == ("b",)


def test_opposites_are_welcome() -> None:
    against = Context({(a, b): -0.9 for a in "abcd" for b in "abcd" if a < b})
    assert len(chosen({"correlation": {"max": 0.0}}, FOUR, against)[0].selected) == 4


def test_newcomers_need_more_than_members() -> None:
    selection = {"hysteresis": {"metric": SHARPE, "enter": 0.6, "exit": 0.4}}
    lines = [line("a", 0.6), line("b", 0.59), line("c", 0.4), line("d", 0.39), line("e", 0.5)]
    run, out = chosen(selection, lines, Context(previous_selection=frozenset("cd")))
    assert run.selected == ("a", "c")
    assert {strategy: result.reason_code for strategy, result in out.items()} == {
        "b": "hysteresis_not_entered",
        "d": "hysteresis_exit",
        "e": "hysteresis_not_entered",
    }
    assert out["d"].details == {"observed": 0.39, "threshold": 0.4, "margin": pytest.approx(-0.01)}


def test_the_steps_come_in_their_order() -> None:
    """C is kept out by b, though b itself does not get past the hysteresis; d was never in the first three."""
    selection = {**top(3), "correlation": {"max": 0.8}, "hysteresis": {"metric": SHARPE, "enter": 3.5, "exit": 0.4}}
    run, out = chosen(selection, FOUR, Context({("b", "c"): 0.9}, frozenset("acd")))
    assert run.selected == ("a",)
    assert {strategy: result.reason_code for strategy, result in out.items()} == {
        "b": "hysteresis_not_entered",
        "c": "correlation_constraint_failed",
        "d": "rank_outside_top_k",
    }


def test_a_strategy_stands_for_itself_with_its_best_run_that_did_not_fail() -> None:
    lines = [
        line("a", 9.0, "r1", returns__max_drawdown=0.9), line("a", 2.0, "r2"), line("a", 1.0, "r3"),
        line("b", 1.5), line("c", 1.9),
    ]  # fmt: skip
    run, out = chosen(top(2), lines)
    assert run.selected == ("a", "c")
    assert set(out) == {"b"}
    run, _ = chosen(top(1), [line("a", 1.0, "r1"), line("a", 0.5, "r2"), line("b", 2.0)])
    left = {
        judged.line.run_id for judged in run.runs if judged.line.strategy_id == "a" and judged.summary.status == "warn"
    }
    assert left == {"r1", "r2"}


sharpes = st.lists(st.one_of(st.floats(-3, 3), st.just(math.nan)), min_size=1, max_size=8)


@given(sharpes, st.integers(1, 4), st.floats(-1, 1), st.floats(0, 1), st.randoms())
def test_a_selection_keeps_what_it_promises_in_any_order(
    values: list[float], k: int, limit: float, enter: float, random: Any
) -> None:
    names = [f"s{number}" for number in range(len(values))]
    lines = [line(name, value) for name, value in zip(names, values, strict=True)]
    pairs = {(a, b): random.uniform(-1, 1) for a in names for b in names if a < b}
    context = Context(pairs, frozenset(names[::2]))
    band = {"metric": SHARPE, "enter": enter, "exit": enter / 2}
    selection = {**top(k), "correlation": {"max": limit}, "hysteresis": band}
    run, out = chosen(selection, lines, context)
    assert len(run.selected) <= k
    assert set(run.selected) | set(out) == set(names)
    assert not set(run.selected) & set(out)
    for a in run.selected:
        for b in run.selected:
            assert a >= b or pairs[a, b] <= limit
    shuffled = random.sample(lines, len(lines))
    assert chosen(selection, shuffled, context)[0].to_dict() == run.to_dict()
