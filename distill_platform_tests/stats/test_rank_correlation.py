"""Ranks: equal to scipy's where it has a value, NaN where order means nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats import rank_correlation

NUMBERS = st.lists(st.tuples(st.integers(-4, 4), st.floats(-1e6, 1e6)), min_size=2, max_size=60)


@given(NUMBERS)
def test_it_is_the_correlation_of_mean_ranks(pairs: list[tuple[int, float]]) -> None:
    from scipy.stats import rankdata

    x, y = np.array(pairs, dtype=float).T
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert math.isnan(rank_correlation(x, y))
        return
    assert rank_correlation(x, y) == pytest.approx(np.corrcoef(rankdata(x), rankdata(y))[0, 1], abs=1e-12)


@given(NUMBERS)
def test_only_the_order_counts(pairs: list[tuple[int, float]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    assert rank_correlation(np.exp(x), y) == pytest.approx(rank_correlation(x, y), nan_ok=True)


def test_nothing_and_one_observation_have_no_order() -> None:
    assert math.isnan(rank_correlation([], []))
    assert math.isnan(rank_correlation([1.0], [1.0]))


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        rank_correlation([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="NaN"):
        rank_correlation([1.0, float("nan")], [1.0, 2.0])
