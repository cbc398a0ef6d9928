"""Series and panels: what is let in, and what is said about what is not."""

import math
from typing import Any

import numpy as np
import pytest

from distill_platform.stats.series import NanPolicy, as_panel, as_series, is_constant


@pytest.mark.parametrize("values", [[1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3], np.int8), np.arange(1, 4, 1, "f4")])
def test_real_numbers_of_any_kind_become_float64(values: Any) -> None:
    series = as_series(values)
    assert series.dtype == np.float64
    assert series.tolist() == [1.0, 2.0, 3.0]


def test_objects_that_are_numbers_are_taken_at_their_value() -> None:
    assert as_series(np.array([1, 2.5], object)).tolist() == [1.0, 2.5]


def test_an_empty_series_is_a_series() -> None:
    assert as_series([]).shape == (0,)


def test_every_other_observation_is_copied_into_contiguous_memory() -> None:
    values = np.arange(10.0)
    assert as_series(values[::2]).flags.c_contiguous
    assert as_panel(np.arange(12.0).reshape(3, 4).T).flags.c_contiguous


def test_a_series_does_not_share_memory_with_what_it_was_made_from() -> None:
    values = np.arange(3.0)
    as_series(values)[0] = 7.0
    assert values[0] == 0.0


def test_nan_is_refused_with_its_place_and_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"losses is NaN at 1; .*omit"):
        as_series([0.1, math.nan, math.nan], name="losses")


def test_omitted_nan_makes_the_series_shorter() -> None:
    assert as_series([math.nan, 1.0, math.nan, 2.0], nan_policy="omit").tolist() == [1.0, 2.0]
    assert as_series([math.nan], nan_policy=NanPolicy.OMIT).tolist() == []


@pytest.mark.parametrize("policy", ["raise", "omit"])
@pytest.mark.parametrize("infinity", [math.inf, -math.inf])
def test_infinity_is_refused_under_every_policy(policy: str, infinity: float) -> None:
    with pytest.raises(ValueError, match=r"infinite at \[2\]"):
        as_series([0.1, 0.2, infinity], nan_policy=policy)


@pytest.mark.parametrize("values", [["a", "b"], [1j], [True, False], [None, 1.0], [[1.0], [1.0, 2.0]], ["1.0"]])
def test_anything_but_real_numbers_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"returns"):
        as_series(values)


@pytest.mark.parametrize("values", [1.0, [[1.0]], np.zeros((2, 2, 2))])
def test_a_series_has_one_dimension(values: Any) -> None:
    with pytest.raises(ValueError, match="one dimension"):
        as_series(values)


@pytest.mark.parametrize("values", [[], [1.0], np.zeros((2, 2, 2))])
def test_a_panel_has_two(values: Any) -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        as_panel(values)


def test_nan_in_a_panel_is_refused_with_row_and_column() -> None:
    with pytest.raises(ValueError, match="row 1, column 0"):
        as_panel([[1.0, 2.0], [math.nan, 3.0]])


def test_an_unknown_policy_is_an_error_even_without_nan() -> None:
    with pytest.raises(ValueError, match="drop"):
        as_series([1.0], nan_policy="drop")


def test_constant_means_equal_to_the_last_bit() -> None:
    assert is_constant(np.full(250, 0.001))
    assert is_constant(np.array([]))
    assert not is_constant(np.array([0.1, math.nextafter(0.1, 1.0)]))


def test_what_is_masked_is_missing() -> None:
    masked = np.ma.masked_array([0.1, 0.2, 0.3], mask=[False, True, False])
    with pytest.raises(ValueError, match="NaN at 1"):
        as_series(masked)
    assert as_series(masked, nan_policy="omit").tolist() == [0.1, 0.3]
    with pytest.raises(ValueError, match="NaN at row 0, column 1"):
        as_panel(masked[None, :])


def test_a_choice_prints_as_what_a_caller_would_write() -> None:
    assert repr(NanPolicy.OMIT) == "'omit'"
