"""Win statistics: gains against losses, in number, in size and in the tails."""

import math
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.wins import gain_to_pain, win_statistics

STEPS = st.lists(st.integers(-5, 5), min_size=1, max_size=60)
RETURNS = [0.01, -0.02, 0.03, 0.0, -0.01, -0.01, 0.02]


def test_a_small_series_by_hand() -> None:
    found = win_statistics(RETURNS)
    assert (found.n_obs, found.n_wins, found.n_losses) == (7, 3, 3)
    assert found.win_rate == 0.5
    assert found.average_win == pytest.approx(0.02)
    assert found.average_loss == pytest.approx(-0.04 / 3)
    assert found.payoff_ratio == pytest.approx(1.5)
    assert found.profit_factor == pytest.approx(1.5)
    assert found.gain_to_pain == pytest.approx(0.5)
    assert found.longest_losing_streak == 2


def test_the_tails_by_hand() -> None:
    found = win_statistics([-0.02, -0.01, 0.0, 0.01, 0.06] * 20)
    assert found.tail_ratio == pytest.approx(3.0)
    assert found.tail_skew == pytest.approx((0.06 - 0.02) / 0.08)


@given(STEPS)
def test_streaks_are_runs_of_losses(steps: list[int]) -> None:
    runs = [len(list(run)) for lost, run in groupby(steps, lambda step: step < 0) if lost]
    assert win_statistics(np.array(steps) / 100).longest_losing_streak == max(runs, default=0)


@given(STEPS)
def test_ratios_fit_together(steps: list[int]) -> None:
    returns = np.array(steps) / 100
    found = win_statistics(returns)
    np.testing.assert_equal(found.gain_to_pain, gain_to_pain(returns))
    if found.n_wins and found.n_losses:
        assert found.gain_to_pain == pytest.approx(found.profit_factor - 1.0, abs=1e-9)
        odds = found.win_rate / (1.0 - found.win_rate)
        assert found.profit_factor == pytest.approx(found.payoff_ratio * odds)


@given(STEPS)
def test_turning_the_sign_turns_the_tails(steps: list[int]) -> None:
    returns = np.array(steps) / 100
    found, turned = win_statistics(returns), win_statistics(-returns)
    assert turned.tail_skew == pytest.approx(-found.tail_skew, abs=1e-9, nan_ok=True)
    if found.tail_ratio > 0.0:
        assert turned.tail_ratio == pytest.approx(1.0 / found.tail_ratio)
    assert (turned.n_wins, turned.n_losses) == (found.n_losses, found.n_wins)


def test_without_losses_no_ratio_over_them() -> None:
    found = win_statistics([0.01, 0.02])
    assert found.win_rate == 1.0
    for ratio in (found.average_loss, found.payoff_ratio, found.profit_factor, found.gain_to_pain, found.tail_ratio):
        assert math.isnan(ratio)
    assert found.longest_losing_streak == 0


def test_without_gains_there_is_nothing_good_to_say() -> None:
    found = win_statistics([-0.01, -0.02, -0.03])
    assert (found.win_rate, found.profit_factor, found.gain_to_pain) == (0.0, 0.0, pytest.approx(-1.0))
    assert math.isnan(found.average_win)
    assert math.isnan(found.payoff_ratio)
    assert found.tail_ratio < 0.0
    assert found.longest_losing_streak == 3


def test_a_strategy_that_does_nothing_has_no_win_rate() -> None:
    found = win_statistics(np.zeros(5))
    for ratio in (found.win_rate, found.profit_factor, found.gain_to_pain, found.tail_ratio, found.tail_skew):
        assert math.isnan(ratio)


def test_a_wipe_out_is_a_loss_like_others() -> None:
    assert win_statistics([-1.0, 0.5]).profit_factor == 0.5


def test_omitted_observations_do_not_count() -> None:
    assert win_statistics([0.1, math.nan, -0.1], nan_policy="omit") == win_statistics([0.1, -0.1])
    assert gain_to_pain([0.1, math.nan, -0.2], nan_policy="omit") == pytest.approx(-0.5)


@pytest.mark.parametrize("returns", [[], [math.nan], [math.inf], [[0.1]]])
def test_what_is_no_series_is_refused(returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        win_statistics(returns)
    with pytest.raises(ValueError, match="returns"):
        gain_to_pain(returns)
