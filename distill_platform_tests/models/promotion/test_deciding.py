"""A promotion: one good case is recommended, and everything that can be wrong with it refuses it by name."""

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings as examples, strategies as st
from pydantic import ValidationError

from distill_platform.core.canon import dumps
from distill_platform.core.errors import ModelError
from distill_platform.models.promotion.case import ContenderRun, PromotionCase, WindowResult, window_result
from distill_platform.models.promotion.deciding import PromotionDecision, decide_promotion
from distill_platform.models.promotion.reasons import ReasonCode
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.models.validation.windows import Window
from distill_platform_tests.models.made_models import reference
from distill_platform_tests.models.promotion.made_cases import (
    CANDIDATE,
    FORWARD,
    GATES,
    HOUR,
    RIDGE,
    SETTINGS,
    VALIDATION,
    VERSIONS,
    WEEK,
    case,
    case_with,
    opening,
    result,
    run,
)

WIDE = PromotionSettings(resamples=1_000, max_extra_drawdown=0.5)


def flat(window: Window) -> WindowResult:
    ts = np.arange(window.start_ns + HOUR, window.end_ns + HOUR, HOUR)
    return window_result(ts, np.zeros(len(ts)), window)


def decided(given: PromotionCase, settings: PromotionSettings = SETTINGS) -> PromotionDecision:
    return decide_promotion(given, settings)


def codes(given: PromotionCase, settings: PromotionSettings = SETTINGS) -> set[str]:
    return {reason.code.value for reason in decided(given, settings).reasons}


def test_a_candidate_that_beats_both_arms_twice_is_recommended() -> None:
    found = decided(case())
    assert (found.is_recommended, found.reasons) == (True, ())
    assert [(each.window, each.arm) for each in found.comparisons] == [
        ("validation", "lightgbm"), ("validation", "ridge"), ("forward", "lightgbm"), ("forward", "ridge"),
    ]  # fmt: skip
    assert all(each.probability > each.required for each in found.comparisons)
    assert dumps(found.to_dict())
    assert found.sha256 == decided(case()).sha256


VERDICT, FINDINGS = case().verdict, case().findings
assert VERDICT is not None
assert FINDINGS is not None
SPOILED: dict[str, tuple[PromotionCase, ReasonCode]] = {
    "no run": (case(runs=case().runs[1:]), ReasonCode.CANDIDATE_RUN_MISSING),
    "no run of an arm": (case(runs=case().runs[:2]), ReasonCode.ARM_RUN_MISSING),
    "one arm": (case(arms={"ridge": RIDGE}), ReasonCode.TOO_FEW_ARMS),
    "one arm under two names": (case(arms={"ridge": RIDGE, "lightgbm": RIDGE}), ReasonCode.TOO_FEW_ARMS),
    "no arm": (case(arms={}), ReasonCode.TOO_FEW_ARMS),
    "an arm itself": (case(arms={**case().arms, "third": CANDIDATE}), ReasonCode.CANDIDATE_IS_ARM),
    "an arm of another line": (
        case(arms={**case().arms, "ridge": RIDGE.model_copy(update={"line": "eth_hourly"})}),
        ReasonCode.MODEL_MISMATCH,
    ),
    "an arm's run of another name": (
        case_with(1, artifact=reference("tabular", "2")),
        ReasonCode.MODEL_MISMATCH,
    ),
    "another version": (case_with(0, artifact=reference("blend", "1", "2")), ReasonCode.MODEL_MISMATCH),
    "another policy": (case_with(0, policy="tabular_only"), ReasonCode.POLICY_MISMATCH),
    "another schema": (case_with(0, versions=replace(VERSIONS, schema_hash="f" * 64)), ReasonCode.SCHEMA_MISMATCH),
    "another feature version": (
        case_with(0, versions=replace(VERSIONS, feature_version="2")),
        ReasonCode.FEATURE_VERSION_MISMATCH,
    ),
    "other data": (case_with(0, versions=replace(VERSIONS, data_version="x")), ReasonCode.DATA_VERSION_MISMATCH),
    "an arm on other data": (
        case_with(1, versions=replace(VERSIONS, data_version="x")),
        ReasonCode.DATA_VERSION_MISMATCH,
    ),
    "another lineage": (case_with(0, versions=replace(VERSIONS, lineage_id="x")), ReasonCode.LINEAGE_MISMATCH),
    "no versions": (case(sealed=replace(VERSIONS, schema_hash="")), ReasonCode.SCHEMA_MISMATCH),
    "another schema online": (case(online=replace(VERSIONS, schema_hash="f" * 64)), ReasonCode.SCHEMA_MISMATCH),
    "another feature version online": (
        case(online=replace(VERSIONS, feature_version="0")),
        ReasonCode.FEATURE_VERSION_MISMATCH,
    ),
    "nothing known online": (case(online=None), ReasonCode.ONLINE_CONTRACT_UNKNOWN),
    "no forward window": (case_with(0, forward=None), ReasonCode.WINDOW_MISSING),
    "no validation window of an arm": (case_with(2, validation=None), ReasonCode.WINDOW_MISSING),
    "trained on the window": (case_with(0, fitted=Window(0, VALIDATION.start_ns + 1)), ReasonCode.IN_SAMPLE),
    "trained after it all": (
        case_with(0, fitted=Window(FORWARD.end_ns, FORWARD.end_ns + 1)),
        ReasonCode.IN_SAMPLE,
    ),
    "an arm trained on the window": (case_with(1, fitted=Window(0, FORWARD.end_ns)), ReasonCode.IN_SAMPLE),
    "an easier window": (
        case_with(0, forward=result(Window(FORWARD.start_ns, FORWARD.end_ns - WEEK), 3e-4, 2)),
        ReasonCode.WINDOWS_DIFFER,
    ),
    "the same window twice": (case_with(0, forward=result(VALIDATION, 3e-4, 1)), ReasonCode.WINDOWS_OVERLAP),
    "a loss": (case_with(0, forward=result(FORWARD, -3e-4, 2)), ReasonCode.LOSES_MONEY),
    "worse than an arm in validation": (
        case_with(1, validation=result(VALIDATION, 2e-3, 11)),
        ReasonCode.NOT_BETTER_THAN_ARM,
    ),
    "worse than an arm in the forward window": (
        case_with(2, forward=result(FORWARD, 2e-3, 21)),
        ReasonCode.NOT_BETTER_THAN_ARM,
    ),
    "as good as an arm": (case_with(1, forward=case().runs[0].forward), ReasonCode.NOT_BETTER_THAN_ARM),
    "a hair better": (case_with(0, forward=result(FORWARD, 1e-6, 12)), ReasonCode.NOT_SURE_ENOUGH),
    "a deeper fall": (
        case_with(0, forward=replace(result(FORWARD, 3e-4, 2), max_drawdown=0.9)),
        ReasonCode.WORSE_DRAWDOWN,
    ),
    "a fall upwards": (
        case_with(0, forward=replace(result(FORWARD, 3e-4, 2), max_drawdown=-0.9)),
        ReasonCode.NOT_A_NUMBER,
    ),
    "no verdict": (case(verdict=None), ReasonCode.VERDICT_MISSING),
    "a failed verdict": (case(verdict=replace(VERDICT, status="fail")), ReasonCode.VERDICT_NOT_PASSED),
    "a warning": (case(verdict=replace(VERDICT, status="warn")), ReasonCode.VERDICT_NOT_PASSED),
    "a word that is no verdict": (case(verdict=replace(VERDICT, status="PASS")), ReasonCode.VERDICT_NOT_PASSED),
    "a gate that failed": (
        case(verdict=replace(VERDICT, gates={**GATES, "stage2_wf": "fail"})),
        ReasonCode.GATE_NOT_OPEN,
    ),
    "a gate that was not judged": (
        case(verdict=replace(VERDICT, gates={**GATES, "stage3_stress": "insufficient_observation"})),
        ReasonCode.GATE_NOT_OPEN,
    ),
    "no gates": (case(verdict=replace(VERDICT, gates={})), ReasonCode.GATE_NOT_OPEN),
    "monitor only": (case(verdict=replace(VERDICT, counts_for_release=False)), ReasonCode.NOT_FOR_RELEASE),
    "nobody looked": (case(findings=None), ReasonCode.FINDINGS_MISSING),
    "nobody looked for leaks": (case(findings=replace(FINDINGS, leaks=None)), ReasonCode.FINDINGS_MISSING),
    "a leak": (case(findings=replace(FINDINGS, leaks=("centred_mean",))), ReasonCode.CAUSALITY_LEAK),
    "too good a feature": (case(findings=replace(FINDINGS, suspicious=("oracle",))), ReasonCode.SUSPICIOUS_FEATURE),
    "luck": (case(findings=replace(FINDINGS, p_value=0.051)), ReasonCode.NOT_SIGNIFICANT),
    "no p-value": (case(findings=replace(FINDINGS, p_value=math.nan)), ReasonCode.NOT_SIGNIFICANT),
    "a p-value of 0": (case(findings=replace(FINDINGS, p_value=0.0)), ReasonCode.NOT_SIGNIFICANT),
    "an in-sample teacher": (
        case(findings=replace(FINDINGS, teacher_was_out_of_fold=False)),
        ReasonCode.TEACHER_NOT_PROVEN,
    ),
    "no proof": (case(findings=replace(FINDINGS, teacher_was_out_of_fold=None)), ReasonCode.TEACHER_NOT_PROVEN),
    "a window nobody opened": (case(opening=None), ReasonCode.FORWARD_NOT_OPENED),
    "another window opened": (case(opening=opening(start_ns=FORWARD.start_ns + 1)), ReasonCode.FORWARD_NOT_OPENED),
    "opened by another line": (case(opening=opening(lineage="eth_hourly")), ReasonCode.FORWARD_NOT_OPENED),
    "opened without it": (case(opening=opening(candidates=["9" * 64])), ReasonCode.NOT_FROZEN_BEFORE_OPENING),
    "unknown trials": (case(honest_trials=None), ReasonCode.TRIALS_UNKNOWN),
    "no trials": (case(honest_trials=0), ReasonCode.TRIALS_UNKNOWN),
    "trials that are no number": (case(honest_trials=cast(int, math.nan)), ReasonCode.TRIALS_UNKNOWN),
    "a claim that is no number": (case_with(0, declared_trials=math.nan), ReasonCode.TRIALS_UNDERSTATED),
    "more who saw the window than were tried": (
        case(honest_trials=1, opening=replace(opening(), candidates_seen=tuple(f"{n:064x}" for n in range(41)))),
        ReasonCode.TRIALS_UNDERSTATED,
    ),
    "hidden trials": (case(honest_trials=41), ReasonCode.TRIALS_UNDERSTATED),
}


@pytest.mark.parametrize("wrong", SPOILED)
def test_one_thing_wrong_refuses_a_candidate_and_is_named(wrong: str) -> None:
    spoiled, code = SPOILED[wrong]
    found = decided(spoiled)
    assert not found.is_recommended
    assert code in {reason.code for reason in found.reasons}
    assert all(len(reason.sentence) > 20 for reason in found.reasons)
    assert dumps(found.to_dict())


def test_every_reason_has_a_case_here() -> None:
    elsewhere = {
        ReasonCode.CANDIDATE_RUNS_DISAGREE, ReasonCode.ARM_RUNS_DISAGREE,
        ReasonCode.TOO_FEW_DAYS,
    }  # fmt: skip
    assert {code for _, code in SPOILED.values()} == set(ReasonCode) - elsewhere


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("window", ["validation", "forward"])
@pytest.mark.parametrize("number", ["pnl_after_cost", "max_drawdown", "sharpe"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_refuses_whosever_it_is(place: int, window: str, number: str, value: float) -> None:
    spoiled = replace(getattr(case().runs[place], window), **{number: value})
    assert "not_a_number" in codes(case_with(place, **{window: spoiled}))


def test_a_daily_return_that_is_no_number_refuses() -> None:
    forward = case().runs[0].forward
    assert forward is not None
    values = forward.daily.values.copy()
    values[3] = math.nan
    spoiled = replace(forward, daily=replace(forward.daily, values=values))
    assert codes(case_with(0, forward=spoiled)) >= {"not_a_number", "not_sure_enough"}


def test_an_arm_that_stood_still_is_an_arm_all_the_same() -> None:
    still = run(RIDGE, 0.0, 11, validation=flat(VALIDATION), forward=flat(FORWARD))
    found = decided(case(runs=(case().runs[0], still, case().runs[2])), WIDE)
    assert found.is_recommended, found.reasons


def test_a_candidate_that_never_trades_does_not_win_against_arms_that_lose() -> None:
    losing = (run(RIDGE, -5e-4, 11), run(reference("lightgbm", "3"), -5e-4, 21))
    still = run(CANDIDATE, 0.0, 1, validation=flat(VALIDATION), forward=flat(FORWARD))
    assert codes(case(runs=(still, *losing))) == {"loses_money"}


def test_who_lost_everything_is_no_better_than_arms_that_did() -> None:
    spent = [replace(result(FORWARD, mean, seed), max_drawdown=1.0) for mean, seed in ((3e-4, 2), (0.0, 12), (0.0, 22))]
    runs = tuple(replace(each, forward=forward) for each, forward in zip(case().runs, spent, strict=True))
    assert codes(case(runs=runs)) == {"loses_money"}


def test_a_window_of_few_days_says_little() -> None:
    short = Window(FORWARD.start_ns, FORWARD.start_ns + 2 * WEEK)
    runs = tuple(replace(each, forward=result(short, 3e-4, 2)) for each in case().runs)
    assert "too_few_days" in codes(case(runs=runs))


def test_days_without_steps_do_not_make_a_window_long() -> None:
    runs = tuple(
        replace(each, forward=with_outage(number, earned))
        for number, (each, earned) in enumerate(zip(case().runs, (3e-3, 0.0, 0.0), strict=True))
    )
    assert [run.forward.days for run in runs if run.forward] == [6, 6, 6]
    assert codes(case(runs=runs)) >= {"too_few_days", "not_sure_enough"}


def with_outage(seed: int, mean: float) -> WindowResult:
    """Return what is made on the first three and the last three days of the forward window."""
    ts = np.arange(FORWARD.start_ns + HOUR, FORWARD.end_ns + HOUR, HOUR)
    seen = np.concatenate([ts[:72], ts[-72:]])
    return window_result(seen, mean + 1e-3 * np.random.default_rng(seed).normal(size=len(seen)), FORWARD)


def test_all_reasons_are_told_and_not_the_first_only() -> None:
    found = codes(case(verdict=None, findings=None, opening=None, honest_trials=None, runs=(), arms={}))
    assert found == {
        "candidate_run_missing", "too_few_arms", "verdict_missing", "findings_missing",
        "forward_not_opened", "trials_unknown",
    }  # fmt: skip


def test_a_drawdown_may_be_as_much_deeper_as_the_settings_say() -> None:
    arm = case().runs[1].forward
    assert arm is not None
    deeper = case_with(0, forward=replace(result(FORWARD, 3e-4, 2), max_drawdown=arm.max_drawdown + 0.01))
    assert "worse_drawdown" in codes(deeper)
    assert "worse_drawdown" not in codes(deeper, WIDE)


def test_the_more_candidates_saw_the_forward_window_the_surer_one_has_to_be() -> None:
    crowd = sorted([CANDIDATE.artifact_sha256, *(f"{number:064x}" for number in range(99))])
    few, many = (decided(case(opening=each)).comparisons for each in (opening(), opening(candidates=crowd)))
    assert [round(each.required, 4) for each in few] == [0.9, 0.9, 0.95, 0.95]
    assert [round(each.required, 4) for each in many] == [0.9, 0.9, 0.999, 0.999]


def test_nobody_is_surer_than_the_resamples_can_tell() -> None:
    crowd = tuple(sorted([CANDIDATE.artifact_sha256, *(f"{number:064x}" for number in range(199))]))
    crowded = case_with(0, declared_trials=200)
    crowded = replace(crowded, honest_trials=200, opening=replace(opening(), candidates_seen=crowd))
    assert codes(crowded) == {"not_sure_enough"}
    assert not codes(crowded, PromotionSettings(resamples=10_000))


def test_a_warning_is_enough_where_the_line_says_so() -> None:
    warned = case(verdict=replace(VERDICT, status="warn"))
    assert not codes(warned, PromotionSettings(resamples=1_000, worst_verdict="warn"))
    with pytest.raises(ValidationError, match="never promoted"):
        PromotionSettings(worst_verdict="fail")


def test_a_run_handed_in_twice_counts_once_and_two_stories_are_none() -> None:
    runs = case().runs
    assert decided(case(runs=runs * 3)).is_recommended
    better = replace(runs[0], forward=result(FORWARD, 5e-4, 3))
    assert codes(case(runs=(*runs, better))) == {"candidate_runs_disagree"}
    weaker = replace(runs[1], forward=result(FORWARD, -5e-4, 3))
    assert codes(case(runs=(*runs, weaker))) == {"arm_runs_disagree"}


ODD = st.sampled_from(["Prod", "PROD", "prod ", " prod", "рrod", "pröd", "maintenance", "smoke", "", "prod\n", "ｐrod"])
WORDS = st.one_of(
    st.fixed_dictionaries({"run_source": ODD}),
    st.fixed_dictionaries({"score_source": st.sampled_from(["heuristic", "manual", "Model", "mоdel", "model "])}),
    st.fixed_dictionaries({"data_regime": st.sampled_from(["mixed", "maintenance_replay", "PROD_LIVE", "prod-live"])}),
)
STRANGE = st.lists(
    st.tuples(WORDS, st.integers(0, 2), st.sampled_from([-1e-2, 0.0, 1e-2]), st.booleans()), min_size=1, max_size=12
)


def _strange(words: dict[str, str], place: int, mean: float) -> ContenderRun:
    known = case().runs[place]
    return run(known.artifact, mean, 5, policy=known.policy, **words)


@pytest.mark.parametrize("given_case", [case(), case_with(0, forward=result(FORWARD, -3e-4, 2))], ids=["good", "bad"])
@examples(max_examples=25, deadline=None)
@given(strange=STRANGE)
def test_rows_of_other_sources_never_move_the_gate(given_case: PromotionCase, strange: list[Any]) -> None:
    rows = [(_strange(words, place, mean), first) for words, place, mean, first in strange]
    more = (*(row for row, first in rows if first), *given_case.runs, *(row for row, first in rows if not first))
    before, after = decided(given_case), decided(replace(given_case, runs=more))
    assert (after.status, after.reasons, after.comparisons) == (before.status, before.reasons, before.comparisons)
    assert (after.sha256, sum(after.excluded.values())) == (before.sha256, len(rows))


@pytest.mark.parametrize("words", [{"run_source": "рrod"}, {"score_source": "heuristic"}, {"data_regime": "mixed"}])
def test_rows_of_other_sources_never_stand_in_for_those_that_count(words: dict[str, str]) -> None:
    runs = tuple(replace(each, **words) for each in case().runs)
    assert codes(case(runs=runs)) == {"candidate_run_missing", "arm_run_missing"}


def test_a_window_without_steps_has_no_result() -> None:
    for returns in ([math.nan], [-1.5], [math.inf]):
        with pytest.raises(ModelError):
            window_result(np.array([FORWARD.end_ns]), np.array(returns), FORWARD)
    with pytest.raises(ModelError):
        window_result(np.array([FORWARD.start_ns]), np.array([0.0]), FORWARD)
