"""Window sums are those of the window's own rows: the same bits wherever the window stands."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.models.features.windows import (
    Windowed,
    logarithm,
    ratio,
    shifted,
    window_fall,
    window_max,
    window_sum,
)
from distill_platform.strategies.bars import Panel

STATISTICS = {
    "sum": window_sum,
    "spread": lambda values, window: Windowed(values, window).spread,
    "comoment": lambda values, window: Windowed(values, window).comoment(Windowed(shifted(values, 1), window)),
    "skewness": lambda values, window: Windowed(values, window).skewness,
    "max": window_max,
    "fall": window_fall,
}


def prices(rows: int, width: int, seed: int) -> Panel:
    random = np.random.default_rng(seed)
    return np.exp(random.normal(0.0, 0.3, (rows, width))) * 10.0 ** random.integers(-3, 6, width)


@pytest.mark.parametrize("name", STATISTICS)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(3, 700),
    width=st.integers(1, 6),
    window=st.integers(2, 40),
    start=st.integers(0, 600),
)
@settings(max_examples=40)
def test_the_bits_of_a_row_do_not_depend_on_what_stands_before_its_window(
    name: str, seed: int, rows: int, width: int, window: int, start: int
) -> None:
    values = prices(rows, width, seed)
    start = min(start, rows - 1)
    whole, part = STATISTICS[name](values, window)[start:], STATISTICS[name](values[start:], window)
    known = ~np.isnan(part)
    np.testing.assert_array_equal(whole[known].view(np.uint64), part[known].view(np.uint64))
    assert known[window:].all()


def reference(values: Panel, window: int, statistic: str) -> float:
    """Return the statistic of one column's last rows, as its textbook says it."""
    rows = values[-window:]
    if statistic == "sum":
        return float(rows.sum())
    if statistic == "spread":
        return float(rows.std(ddof=1))
    if statistic == "comoment":
        other = values[-window - 1 : -1]
        return float(((rows - rows.mean()) * (other - other.mean())).sum())
    if statistic == "skewness":
        return float(((rows - rows.mean()) ** 3).mean() / rows.std() ** 3)
    if statistic == "max":
        return float(rows.max())
    return float((np.maximum.accumulate(rows) - rows).max())


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("window", [2, 3, 24, 168])
def test_they_are_what_they_say(name: str, window: int) -> None:
    values = prices(600, 3, window)
    found = STATISTICS[name](values, window)
    for row in (window, 200, 511, 512, 599):
        for column in range(3):
            if row >= window:
                expected = reference(values[: row + 1, column], window, name)
                assert found[row, column] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_missing_row_is_missing_in_every_window_that_holds_it_and_in_no_other(name: str) -> None:
    values = prices(60, 2, 7)
    values[30, 0] = np.nan
    unknown = np.isnan(STATISTICS[name](values, 10))
    reach = 11 if name == "comoment" else 10
    first = 10 if name == "comoment" else 9
    np.testing.assert_array_equal(np.flatnonzero(unknown[:, 0]), [*range(first), *range(30, 30 + reach)])
    np.testing.assert_array_equal(np.flatnonzero(unknown[:, 1]), range(first))


def test_what_does_not_vary_has_no_spread_and_no_skewness() -> None:
    steady = np.full((50, 1), 0.1)
    assert (Windowed(steady, 10).spread[9:] == 0.0).all()
    assert np.isnan(Windowed(steady, 10).skewness).all()


def test_prices_that_grow_evenly_have_returns_without_a_spread() -> None:
    logs = logarithm(50_000.0 * 1.001 ** np.arange(300.0)[:, np.newaxis])
    assert (Windowed(logs - shifted(logs, 1), 24).spread[24:] == 0.0).all()


def test_a_quotient_by_nothing_is_unknown() -> None:
    above, below = np.array([[1.0, 0.0, np.nan, 1.0]]), np.array([[0.0, 0.0, 1.0, np.inf]])
    assert np.isnan(ratio(above, below)).all()
