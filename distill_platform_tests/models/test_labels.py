"""Labels say what came after a moment by the clock, of the same symbol, in deviations known at the moment."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.frame_building import build_features, build_training_frame
from distill_platform.models.labels import LabelKind, LabelSettings, horizon_ns, labels
from distill_platform.strategies.bars import FIELDS, Bars, Panel
from distill_platform_tests.models.grids import HOUR, SMALL, gaps, random_grid

RETURNS = LabelSettings(kind=LabelKind.LOG_RETURN, horizon_bars=4, sigma_bars=20)
SCALED = LabelSettings(horizon_bars=4, sigma_bars=20)
OUTAGE = gaps(100, 3, (50, 60, -1), (80, 81, 1))


def by_row(grid: BarGrid, horizon: int) -> Panel:
    """Return the labels that one gets by counting the bars of a symbol instead of hours: the mistake."""
    found = np.full(grid.is_missing.shape, np.nan)
    for column in range(len(grid.symbols)):
        rows = np.flatnonzero(~grid.is_missing[:, column])
        logs = np.log(grid.field("close")[rows, column])
        found[rows[:-horizon], column] = logs[horizon:] - logs[:-horizon]
    return found


def by_interleaved_row(grid: BarGrid, horizon: int) -> Panel:
    """Return the labels that one gets by shifting a table sorted by (ts, symbol): the other mistake."""
    logs = np.log(grid.field("close")).reshape(-1)
    found = np.full(logs.shape, np.nan)
    found[:-horizon] = logs[horizon:] - logs[:-horizon]
    return found.reshape(grid.is_missing.shape)


def test_a_label_is_the_return_over_the_horizon_by_the_clock() -> None:
    grid = random_grid(100, holes=OUTAGE)
    found = labels(grid, RETURNS)
    logs = np.log(grid.field("close"))
    for row in range(96):
        expected = logs[row + 4] - logs[row]
        np.testing.assert_allclose(found[row], expected, rtol=1e-12)
    assert np.isnan(found[96:]).all()


def test_across_an_outage_a_label_by_row_would_be_another() -> None:
    grid = random_grid(100, holes=OUTAGE)
    found, mistaken = labels(grid, RETURNS), by_row(grid, 4)
    across = slice(46, 50)
    assert np.isnan(found[across]).all()
    assert not np.isnan(mistaken[across]).any()
    together = ~np.isnan(found) & ~np.isnan(mistaken)
    together[:, 1] &= np.abs(np.arange(100) - 80) > 4  # where its own bar is missing, rows mislead the symbol as well
    np.testing.assert_allclose(found[together], mistaken[together], rtol=1e-9)
    assert not np.allclose(found[77:80, 1], mistaken[77:80, 1], equal_nan=True)


def test_a_panel_never_mixes_its_symbols() -> None:
    grid = random_grid(100)
    found = labels(grid, RETURNS)
    assert not np.isclose(found, by_interleaved_row(grid, 4)).any()
    for column, symbol in enumerate(grid.symbols):
        fields = {name: grid.field(name)[:, [column]] for name in FIELDS}
        alone = BarGrid(Bars(grid.ts, (symbol,), **fields), HOUR)
        np.testing.assert_array_equal(found[:, [column]], labels(alone, RETURNS))


def test_it_is_scaled_by_what_was_known_at_the_moment() -> None:
    grid = random_grid(100)
    returns = np.diff(np.log(grid.field("close")), axis=0, prepend=np.nan)
    scaled, plain = labels(grid, SCALED), labels(grid, RETURNS)
    for row in range(20, 96):
        sigma = returns[row - 19 : row + 1].std(axis=0, ddof=1) * math.sqrt(4)
        np.testing.assert_allclose(scaled[row], plain[row] / sigma, rtol=1e-9)
    assert np.isnan(scaled[:20]).all()


@given(seed=st.integers(0, 2**32 - 1), row=st.integers(25, 90), horizon=st.integers(1, 10))
@settings(max_examples=30)
def test_a_label_depends_on_nothing_after_its_horizon_and_its_scale_on_nothing_after_its_moment(
    seed: int, row: int, horizon: int
) -> None:
    grid = random_grid(120, seed=seed)
    asked = LabelSettings(horizon_bars=horizon, sigma_bars=20)
    fields = {name: grid.field(name).copy() for name in FIELDS}
    for values in fields.values():
        values[row + horizon + 1 :] *= 3.0
        values[row + 1 : row + horizon] *= 2.0
    other = BarGrid(Bars(grid.ts, grid.symbols, **fields), HOUR)
    np.testing.assert_array_equal(labels(grid, asked)[row], labels(other, asked)[row])


def test_a_missing_bar_at_either_end_is_no_label() -> None:
    found = labels(random_grid(100, holes=OUTAGE), RETURNS)
    assert np.isnan(found[[80, 76], 1]).all()
    assert not np.isnan(found[[80, 76]][:, [0, 2]]).any()


def test_prices_that_stood_still_are_no_label() -> None:
    ones = np.ones((60, 1))
    grid = BarGrid(Bars(random_grid(60).ts, ("A",), open=ones, high=ones, low=ones, close=ones, volume=ones), HOUR)
    assert np.isnan(labels(grid, SCALED)).all()


def test_a_window_has_only_labels_that_end_within_it() -> None:
    grid = random_grid(100)
    frame = build_training_frame(build_features(grid, None, SMALL), grid, SCALED)
    start, end = int(grid.ts[30]), int(grid.ts[60])
    inside = frame.between(start, end)
    assert inside.features.ts.min() == start
    assert inside.label_end.max() == end - HOUR
    assert inside.horizon_ns == horizon_ns(grid, SCALED) == 4 * HOUR


@pytest.mark.parametrize("bad", [{"horizon_bars": 0}, {"sigma_bars": 1}, {"kind": "scaled_retrun"}, {"horizon": 4}])
def test_settings_that_make_no_label_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LabelSettings.model_validate(bad)
