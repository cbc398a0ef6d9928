"""Loosening: every way to ask for less is seen, and asking for more is not called so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.evaluation.loosening import loosened
from distill_platform_tests.evaluation.worlds import world

BACKTEST = "validation_profiles.backtest"
BASE: dict[str, Any] = {
    f"{BACKTEST}.performance.min_sharpe": 1.5,
    f"{BACKTEST}.cohort": {"min_sharpe_median": 0.1, "top_k": 3},
    "stage_gates.stage4_paper_forward.governance": "two_key",
    "risk_profile": {"tier": "high", "client_critical": True},
    "governance.approvers": ["ann"],
    "governance.keys": 3,
}
STRICT = world(BASE).canonical()

LOOSER: dict[str, Any] = {
    f"{BACKTEST}.performance.min_sharpe": 0.4,
    f"{BACKTEST}.performance.max_drawdown": 0.3,
    f"{BACKTEST}.performance.min_gain_to_pain": None,
    f"{BACKTEST}.performance": None,
    f"{BACKTEST}.robustness.severity": "soft",
    f"{BACKTEST}.robustness.min_dsr": 0.9,
    f"{BACKTEST}.cohort.top_k": 4,
    f"{BACKTEST}.stress.scenarios.fees_x2": None,
    f"{BACKTEST}.stress.scenarios.fees_x2.max_drawdown": 0.5,
    "default_profile_by_stage.backtest_only": "paper",
    "selection.top_k.k": 5,
    "selection.top_k.metric": "returns.gain_to_pain_ratio",
    "selection.correlation.max": 0.9,
    "selection.correlation": None,
    "selection.hysteresis.enter": 0.5,
    "selection.hysteresis.exit": 0.3,
    "selection.hysteresis": None,
    "stage_gates.stage1_dev.blocking.0": "perf.net_sharpe >= 0.2",
    "stage_gates.stage1_dev.blocking.1": None,
    "stage_gates.stage1_dev.watch": None,
    "stage_gates.stage2_wf.blocking.0": "wf.oos_sum_pnl >= 0",
    "stage_gates.stage2_wf.watch.0": "robustness.pbo > 0.3",
    "stage_gates.stage3_stress": None,
    "stage_gates.stage4_paper_forward.governance": "manual_approval",
    "costs.fee_bps": 0.5,
    "costs.slippage_bps": 0.2,
    "costs": None,
    "stress_grid.0.slippage_bps": 1.0,
    "stress_grid.1.fee_multiplier": 1.5,
    "stress_grid.2": None,
    "risk_profile.tier": "low",
    "risk_profile.client_critical": False,
    "governance.allow_live": True,
    "governance.approvers": ["ann", "bob"],
    "governance.keys": 2,
    "governance.cooldown": "2d",
    "governance.max_live_slots": 4,
    "data.presets": [{"id": "ohlcv.other.daily", "interval": "1d"}],
    "world_id": "elsewhere",
}
TIGHTER: dict[str, Any] = {
    "version": 2,
    f"{BACKTEST}.performance.min_sharpe": 1.6,
    f"{BACKTEST}.performance.max_time_under_water": 0.9,
    f"{BACKTEST}.performance.max_drawdown": 0.2,
    f"{BACKTEST}.robustness.owner": "risk",
    f"{BACKTEST}.cohort.top_k": 2,
    f"{BACKTEST}.stress.severity": "blocking",
    f"{BACKTEST}.stress.scenarios.spread_x3": {"min_net_sharpe": 0.0},
    f"{BACKTEST}.portfolio": {"max_incremental_var_99": 0.02},
    "selection.top_k.k": 2,
    "selection.hysteresis.enter": 0.7,
    "stage_gates.stage1_dev.blocking.0": "returns.sharpe_daily  >=  0.30",
    "stage_gates.stage2_wf.blocking.0": "wf.oos_sum_pnl > 0.01",
    "stage_gates.stage2_wf.blocking.1": "robustness.dsr > 0.95",
    "stage_gates.stage2_wf.watch.0": "robustness.pbo >= 0.2",
    "stage_gates.stage3_stress.watch": ["regime.fragile == true", "robustness.pbo > 0.1"],
    "stage_gates.stage5_pilot.blocking": ["live.sharpe > 0"],
    "costs.fee_bps": 2.0,
    "stress_grid.1.fee_multiplier": 3.0,
    "stress_grid.1.spread_multiplier": 2.0,
    "governance.approvers": [],
    "governance.cooldown": "2w",
    "governance.max_live_slots": 1,
}


def changed(place: str, value: Any) -> dict[str, Any]:
    return world({**BASE, place: value}).canonical()


@pytest.mark.parametrize("place", LOOSER)
def test_asking_for_less_is_seen_and_placed(place: str) -> None:
    found = loosened(STRICT, changed(place, LOOSER[place]))
    part = "profile of backtest_only" if place.startswith(("validation", "default")) else place.split(".")[0]
    assert found
    assert all(said.startswith(part) for said in found)


@pytest.mark.parametrize("place", TIGHTER)
def test_asking_for_more_is_no_loosening(place: str) -> None:
    assert loosened(STRICT, changed(place, TIGHTER[place])) == []


def test_the_same_policy_asks_for_the_same() -> None:
    assert loosened(STRICT, STRICT) == []


def test_what_changed_is_said_in_words() -> None:
    found = loosened(STRICT, changed(f"{BACKTEST}.performance.min_sharpe", 0.4))
    assert found == ["profile of backtest_only.performance.min_sharpe: 1.5 became 0.4"]


def test_a_profile_under_another_name_is_the_same_profile() -> None:
    profiles = world(BASE).model_dump(mode="json", exclude_none=True)["validation_profiles"]
    renamed = {"backtest_v2": profiles["backtest"], "paper": profiles["paper"]}
    stages = {"backtest_only": "backtest_v2", "paper_only": "paper"}
    other = world({**BASE, "validation_profiles": renamed, "default_profile_by_stage": stages}).canonical()
    assert loosened(STRICT, other) == []


def test_a_gate_that_asked_for_nothing_never_opened() -> None:
    closed = world({"stage_gates.stage3_stress": {"blocking": []}}).canonical()
    assert loosened(closed, world().canonical()) == [
        "stage_gates.stage3_stress asked for nothing, which no run could show, and can be passed now"
    ]


def test_a_lower_is_better_metric_turns_hysteresis_round() -> None:
    def entering(number: float) -> dict[str, Any]:
        step = {"metric": "returns.max_drawdown", "enter": number, "exit": 0.3}
        return world({"selection.hysteresis": step}).canonical()

    assert loosened(entering(0.1), entering(0.2)) != []
    assert loosened(entering(0.2), entering(0.1)) == []


@pytest.mark.parametrize("value", [7, "seven", None, [1], {"a": 1}, True])
def test_what_nobody_knows_is_not_harmless(value: Any) -> None:
    assert loosened({"novelty": {"knob": 3}}, {"novelty": {"knob": value}})
    assert loosened({"novelty": 3}, {"novelty": value})
    assert loosened({}, {"novelty": value}) or value is None


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_of_two_bounds_one_is_the_looser(one: float, other: float) -> None:
    policies = [world({f"{BACKTEST}.performance.min_sharpe": bound}).canonical() for bound in (one, other)]
    assert bool(loosened(*policies)) == (other < one)
    assert bool(loosened(*policies[::-1])) == (one < other)


@given(st.sampled_from(sorted(TIGHTER)), st.sampled_from(sorted(LOOSER)))
def test_a_tightening_hides_no_loosening(tight: str, loose: str) -> None:
    if tight.startswith(loose) or loose.startswith(tight) or "watch" in tight:
        return
    try:
        both = world({**BASE, tight: TIGHTER[tight], loose: LOOSER[loose]}).canonical()
    except (ValueError, KeyError, TypeError, IndexError):  # the two do not fit together
        return
    assert loosened(STRICT, both)
