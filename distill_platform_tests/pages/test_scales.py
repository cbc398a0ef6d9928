"""Ticks at round numbers, and lines with fewer points that look the same."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.pages import scales

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, st.floats(1e-9, 1e6))
def test_ticks_lie_within_and_rise(low: float, width: float) -> None:
    values = scales.nice_values(low, low + width)
    assert all(low - 1e-6 * width - 1e-9 <= value <= low + width + 1e-6 * width + 1e-9 for value in values)
    assert values == sorted(values)
    assert len(values) <= 12


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [(0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]), (-1.2, 1.1, ["−1.0", "−0.5", "0.0", "0.5", "1.0"])],
)
def test_ticks_stand_at_round_numbers(low: float, high: float, labels: list[str]) -> None:
    assert scales.plain_ticks(low, high)[1] == labels


def test_fractions_are_written_in_percent() -> None:
    assert scales.percent_ticks(-0.21, 0.0, 3)[1] == ["−20 %", "−10 %", "0 %"]


@given(st.floats(-30, 0), st.floats(0.01, 30))
def test_growth_ticks_are_multiples_in_the_right_place(low: float, width: float) -> None:
    at, labels = scales.growth_ticks(low, low + width)
    assert len(at) == len(labels) <= 40
    for place, label in zip(at, labels, strict=True):
        assert float(label[1:]) == pytest.approx(math.exp(place), rel=1e-3)


@given(st.integers(0, 60_000), st.integers(1, 40_000))
def test_time_ticks_lie_within_and_are_not_too_many(first: int, length: int) -> None:
    at, labels = scales.time_ticks(first, first + length)
    assert len(at) == len(labels) <= 16
    assert len(set(labels)) == len(labels)
    assert at == sorted(at)


def test_a_thinned_line_keeps_its_ends_and_extremes() -> None:
    y = np.random.default_rng(2).normal(size=26_000).cumsum()
    x = np.arange(len(y), dtype=np.float64)
    kept_x, kept_y = scales.thinned(x, y)
    assert len(kept_x) <= 1_000
    assert (kept_y.min(), kept_y.max()) == (y.min(), y.max())
    assert (kept_x[0], kept_x[-1]) == (0, len(y) - 1)
    assert np.array_equal(y[kept_x.astype(int)], kept_y)


def test_a_short_line_is_left_alone() -> None:
    x = np.arange(900.0)
    assert scales.thinned(x, x)[0] is x
