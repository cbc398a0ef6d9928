"""The objective: earnings after costs, less what they risk; limits are limits, and no number is no value."""

import math

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from distill_platform.models.search.objective import ObjectiveSettings, TrialMeasure

SETTINGS = ObjectiveSettings(drawdown_weight=0.5, reject_weight=2.0, turnover_weight=0.01)
NUMBERS = ["pnl_after_cost", "max_drawdown", "reject_rate", "turnover"]


def measure(**changes: float) -> TrialMeasure:
    return TrialMeasure(**{**dict(zip(NUMBERS, (0.3, 0.1, 0.02, 1.5), strict=True)), **changes})


def test_the_value_is_what_is_left_after_the_penalties() -> None:
    assert SETTINGS.value(measure()) == pytest.approx(0.3 - 0.5 * 0.1 - 2.0 * 0.02 - 0.01 * 1.5)


def test_a_limit_may_be_reached_and_not_passed() -> None:
    at_limit = measure(max_drawdown=SETTINGS.max_drawdown)
    assert SETTINGS.violation(at_limit) == 0
    assert SETTINGS.violation(measure(max_drawdown=SETTINGS.max_drawdown + 1e-9)) > 0


def test_a_fortune_does_not_buy_a_limit() -> None:
    rich = measure(pnl_after_cost=1000.0, reject_rate=0.9)
    assert SETTINGS.violation(rich) == pytest.approx(0.9 - SETTINGS.max_reject_rate)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_a_measure_with_a_number_that_is_none_has_no_value(name: str, value: float) -> None:
    assert math.isnan(SETTINGS.value(measure(**{name: value})))


@pytest.mark.parametrize(("name", "value"), [("max_drawdown", -0.1), ("reject_rate", 1.1), ("turnover", -1.0)])
def test_what_cannot_be_is_not_taken_for_a_bonus(name: str, value: float) -> None:
    assert not measure(**{name: value}).is_sound


@pytest.mark.parametrize("name", ["drawdown_weight", "reject_weight", "turnover_weight"])
@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf])
def test_nobody_is_paid_for_a_drawdown(name: str, weight: float) -> None:
    with pytest.raises(ValidationError):
        ObjectiveSettings.model_validate({name: weight})


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 100), st.floats(0.001, 1))
def test_more_risk_never_gives_a_higher_value(
    pnl: float, drawdown: float, rejects: float, turnover: float, more: float
) -> None:
    before = SETTINGS.value(TrialMeasure(pnl, drawdown, rejects, turnover))
    assert SETTINGS.value(TrialMeasure(pnl, drawdown + more, rejects, turnover)) <= before
    assert SETTINGS.value(TrialMeasure(pnl, drawdown, rejects, turnover + more)) <= before
