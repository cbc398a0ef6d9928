"""Lengths of track records: the examples of the papers, and that each length does what it promises."""

import math

import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.psr import psr_from_moments
from distill_platform.stats.track_record import min_btl_years, min_trl


def annual(sharpe: float, periods: int) -> float:
    return sharpe / math.sqrt(periods)


@pytest.mark.parametrize(("periods", "skew", "kurt", "years"), [(250, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83)])
def test_the_examples_of_the_paper(periods: int, skew: float, kurt: float, years: float) -> None:
    found = min_trl(annual(2, periods), annual(1, periods), skew, kurt)
    assert round(found / periods, 2) == years


@given(st.floats(0.01, 1), st.floats(-1, 0), st.floats(-2, 2), st.floats(0.5, 9), st.floats(0.51, 0.999))
def test_the_minimum_length_reaches_the_confidence(
    sr: float, benchmark: float, skew: float, excess: float, confidence: float
) -> None:
    kurt = skew * skew + 1 + excess
    length = min_trl(sr, benchmark, skew, kurt, confidence)
    if length >= 2:
        assert psr_from_moments(sr, benchmark, length, skew, kurt) == pytest.approx(confidence, rel=1e-9)


@pytest.mark.parametrize("sr", [0.1, 0.05, -0.3])
def test_no_length_suffices_at_or_below_the_benchmark(sr: float) -> None:
    assert min_trl(sr, 0.1) == math.inf


@pytest.mark.parametrize("confidence", [0.5, 0.3])
def test_any_length_gives_a_confidence_of_one_half(confidence: float) -> None:
    assert min_trl(0.1, 0.0, confidence=confidence) == 1.0


@pytest.mark.parametrize("wrong", [{"sr": math.nan}, {"sr_benchmark": math.nan}, {"skew": 5.0}, {"kurt": math.nan}])
def test_nan_and_impossible_moments_give_nan(wrong: dict[str, float]) -> None:
    assert math.isnan(min_trl(**{"sr": 0.1, "sr_benchmark": 0.0, "skew": 0.0, "kurt": 3.0, **wrong}))


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, 95.0, math.nan])
def test_a_confidence_outside_of_0_and_1_is_an_error(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        min_trl(0.1, confidence=confidence)


def test_45_trials_need_five_years() -> None:
    assert min_btl_years(45) == pytest.approx(5, abs=0.01)
    assert min_btl_years(45, 2.0) == pytest.approx(min_btl_years(45) / 4, rel=1e-14)
    assert min_btl_years(45, method="exact") == pytest.approx(4.874025673261477, rel=1e-12)


def test_one_trial_needs_no_length() -> None:
    assert min_btl_years(1) == 0.0


@pytest.mark.parametrize("wrong", [{"target_sharpe": 0.0}, {"target_sharpe": -1.0}, {"target_sharpe": math.nan}])
def test_a_target_must_be_positive(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="target_sharpe"):
        min_btl_years(10, **wrong)


def test_less_than_one_trial_is_an_error() -> None:
    with pytest.raises(ValueError, match="n_trials"):
        min_btl_years(0)
