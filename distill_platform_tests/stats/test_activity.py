"""Activity: a strategy that does nothing is told from one without risk."""

import math

import numpy as np
import pytest

from distill_platform.stats.activity import activity

NOISE = np.random.default_rng(1).normal(0.0, 0.01, size=100)


def test_a_strategy_at_work_is_active() -> None:
    found = activity(NOISE)
    assert found.is_active
    assert (found.n_obs, found.n_active, found.zero_share) == (100, 100, 0.0)
    assert found.volatility == pytest.approx(NOISE.std(ddof=1))


@pytest.mark.parametrize("value", [0.0, 0.001, -0.001])
def test_a_constant_series_is_not(value: float) -> None:
    found = activity(np.full(100, value))
    assert found.is_constant
    assert found.is_below_floor
    assert found.volatility == 0.0
    assert not found.is_active


def test_a_floor_of_zero_lets_no_constant_series_pass() -> None:
    found = activity(np.full(100, 0.001), volatility_floor=0.0)
    assert not found.is_below_floor
    assert not found.is_active


def test_tiny_moves_are_below_the_floor() -> None:
    assert activity(NOISE * 1e-6).is_below_floor
    assert not activity(NOISE * 1e-6).is_active
    assert activity(NOISE, volatility_floor=float(NOISE.std(ddof=1)) * 1.01).is_below_floor


def test_at_the_floor_is_enough() -> None:
    assert not activity(NOISE, volatility_floor=activity(NOISE).volatility).is_below_floor


def test_a_few_trades_among_zeros_are_too_few() -> None:
    returns = np.zeros(100)
    returns[:29] = NOISE[:29]
    found = activity(returns)
    assert (found.n_active, found.zero_share) == (29, 0.71)
    assert found.has_too_few_active
    assert not found.is_active
    assert activity(returns, min_active=29).is_active


def test_the_volatility_of_one_observation_is_not_known_and_passes_nothing() -> None:
    found = activity([0.1], volatility_floor=0.0, min_active=0)
    assert math.isnan(found.volatility)
    assert found.is_below_floor


def test_omitted_observations_are_neither_active_nor_zero() -> None:
    assert activity([0.1, math.nan, 0.0], nan_policy="omit") == activity([0.1, 0.0])


@pytest.mark.parametrize("returns", [[], [math.nan], [math.inf], [[0.1]]])
def test_what_is_no_series_is_refused(returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        activity(returns)


@pytest.mark.parametrize(("floor", "fewest"), [(-1e-9, 30), (math.nan, 30), (math.inf, 30), (1e-6, -1)])
def test_floors_are_not_negative(floor: float, fewest: int) -> None:
    with pytest.raises(ValueError, match="floors"):
        activity(NOISE, floor, fewest)
