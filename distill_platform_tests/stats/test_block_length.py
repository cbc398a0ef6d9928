"""How long blocks should be."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.block_length import default_block_length, optimal_block_ar1_theory, optimal_block_length


def ar1(phi: float, n: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=n)
    for t in range(1, n):
        noise[t] += phi * noise[t - 1]
    return noise


def test_a_constant_needs_no_blocks() -> None:
    for length in (1, 2, 100):
        found = optimal_block_length([1.0] * length)
        assert (found.stationary, found.circular) == (1.0, 1.0)


def test_the_closed_form_of_an_autoregression() -> None:
    found = optimal_block_ar1_theory(0.1, 200)
    assert found.stationary == pytest.approx(2.013445441237568, rel=1e-12)
    assert found.circular == pytest.approx(2.3048196731887223, rel=1e-12)
    assert optimal_block_ar1_theory(0.0, 200).stationary == 0.0


def test_estimates_are_near_the_closed_form() -> None:
    found = np.median([optimal_block_length(ar1(0.5, 5000, seed)).stationary for seed in range(20)])
    assert found == pytest.approx(optimal_block_ar1_theory(0.5, 5000).stationary, rel=0.15)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=80))
def test_any_series_has_a_length_within_bounds(series: list[float]) -> None:
    found = optimal_block_length(series)
    largest = max(1.0, np.ceil(min(3 * np.sqrt(len(series)), len(series) / 3)))
    assert 0.0 <= found.stationary <= found.circular <= largest


def test_scale_and_level_do_not_matter() -> None:
    series = ar1(0.6, 500, 1)
    found, moved = optimal_block_length(series), optimal_block_length(1e-3 * series + 5)
    assert moved.stationary == pytest.approx(found.stationary, rel=1e-9)


def test_the_default_suits_the_most_dependent_column() -> None:
    panel = np.column_stack([ar1(0.0, 500, 1), ar1(0.8, 500, 2)])
    assert default_block_length(panel, "stationary") == optimal_block_length(panel[:, 1]).stationary
    assert default_block_length(panel, "circular") == np.ceil(optimal_block_length(panel[:, 1]).circular)
    assert default_block_length(np.array([[1.0], [2.0]]), "stationary") == 1.0


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="no observations"):
        optimal_block_length([])
    with pytest.raises(ValueError, match="NaN"):
        optimal_block_length([1, np.nan])
    with pytest.raises(ValueError, match="infinite"):
        optimal_block_length([1, np.inf])
    with pytest.raises(ValueError, match="phi"):
        optimal_block_ar1_theory(1.0, 10)
    with pytest.raises(ValueError, match="n must"):
        optimal_block_ar1_theory(0.5, 0)
    assert optimal_block_length([1, np.nan, 2, 5], nan_policy="omit") == optimal_block_length([1, 2, 5])
