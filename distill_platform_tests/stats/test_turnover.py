"""Turnover: what is bought plus what is sold at each step."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.turnover import turnover

WEIGHTS = [[0.5, 0.5], [1.0, 0.0], [0.0, -1.0]]


def test_every_change_of_weight_counts() -> None:
    assert turnover(WEIGHTS).tolist() == [1.0, 1.0, 2.0]


def test_the_first_trades_come_from_the_positions_before() -> None:
    assert turnover(WEIGHTS, initial=[0.5, 0.5]).tolist() == [0.0, 1.0, 2.0]


def test_no_initial_positions_and_none_given_are_the_same() -> None:
    np.testing.assert_array_equal(turnover(WEIGHTS), turnover(WEIGHTS, initial=[0, 0]))


def test_one_step_of_one_asset() -> None:
    assert turnover([[-0.3]]).tolist() == [0.3]


@given(
    st.lists(st.lists(st.integers(-8, 8), min_size=3, max_size=3), min_size=1, max_size=20), st.permutations([0, 1, 2])
)
def test_assets_have_no_order(weights: list[list[int]], order: list[int]) -> None:
    panel = np.array(weights) / 8
    np.testing.assert_array_equal(turnover(panel), turnover(panel[:, order]))


@pytest.mark.parametrize("weights", [[], [[]], np.zeros((0, 2)), [0.5, 0.5], [[0.5, math.nan]], [[math.inf]]])
def test_what_is_no_panel_of_weights_is_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match="weights"):
        turnover(weights)


@pytest.mark.parametrize("initial", [[0.0], [0.0, 0.0, 0.0], [0.0, math.nan], [[0.0, 0.0]]])
def test_initial_positions_are_one_of_each_asset(initial: Any) -> None:
    with pytest.raises(ValueError, match="initial"):
        turnover(WEIGHTS, initial=initial)
