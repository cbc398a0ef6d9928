"""Hansen's kernel variance, against its definition in rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.bootstrap import sb_variance_of_mean
from distill_platform.stats.hansen import hansen_kernel_variance, hansen_kernel_variance_cols


def defined(series: list[int], q: Fraction) -> Fraction:
    """The double sum of the paper, O(T^2)."""
    n = len(series)
    mean = Fraction(sum(series), n)
    centred = [value - mean for value in series]
    total = sum(value**2 for value in centred) / n
    for lag in range(1, n):
        covariance = sum(centred[t] * centred[t + lag] for t in range(n - lag)) / n
        kernel = Fraction(n - lag, n) * (1 - q) ** lag + Fraction(lag, n) * (1 - q) ** (n - lag)
        total += 2 * kernel * covariance
    return total


def test_the_published_example() -> None:
    assert hansen_kernel_variance([2, -1, 3, 0, -2, 4, 1, -3], 0.5) == pytest.approx(2.796875, rel=1e-14)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=25), st.fractions(Fraction(1, 40), 1, max_denominator=40))
def test_the_recursion_is_the_definition(series: list[int], q: Fraction) -> None:
    expected = float(defined(series, q))
    assert hansen_kernel_variance(series, float(q)) == pytest.approx(expected, rel=1e-9, abs=1e-11)


def test_it_is_t_times_the_variance_of_the_resampled_mean() -> None:
    series = np.random.default_rng(1).normal(size=100)
    assert sb_variance_of_mean(series, 8) == pytest.approx(hansen_kernel_variance(series, 1 / 8) / 100, rel=1e-14)


def test_q_of_one_is_the_plain_variance() -> None:
    series = np.random.default_rng(1).normal(size=100)
    assert hansen_kernel_variance(series, 1.0) == pytest.approx(series.var(), rel=1e-12)


def test_columns_are_computed_each_on_its_own() -> None:
    panel = np.random.default_rng(1).normal(size=(60, 5)) + 1e6
    found = hansen_kernel_variance_cols(panel, 0.1)
    assert found.tolist() == [hansen_kernel_variance(column, 0.1) for column in panel.T]


def test_a_constant_has_no_variance() -> None:
    assert hansen_kernel_variance([0.1] * 250, 0.1) == 0.0
    assert hansen_kernel_variance([3.0], 0.1) == 0.0


@pytest.mark.parametrize("q", [0.0, -0.1, 1.1, float("nan")])
def test_q_is_a_probability(q: float) -> None:
    with pytest.raises(ValueError, match="q must"):
        hansen_kernel_variance([1, 2], q)


def test_wrong_series_are_refused() -> None:
    with pytest.raises(ValueError, match="no observations"):
        hansen_kernel_variance([], 0.5)
    with pytest.raises(ValueError, match="NaN"):
        hansen_kernel_variance([1, np.nan], 0.5)
    with pytest.raises(ValueError, match="infinite"):
        hansen_kernel_variance([1, np.inf], 0.5)
    with pytest.raises(ValueError, match="dimensions"):
        hansen_kernel_variance_cols([1, 2], 0.5)
    assert hansen_kernel_variance([1, np.nan, 3], 0.5, nan_policy="omit") == hansen_kernel_variance([1, 3], 0.5)
