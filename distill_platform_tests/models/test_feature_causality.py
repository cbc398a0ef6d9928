"""The guard finds what looks ahead, whichever way it does, and nothing else."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.causality import (
    ROWS,
    USABLE,
    Experiment,
    Leak,
    check_causality,
    spread_cuts,
)
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.labels import LabelSettings, labels
from distill_platform.strategies.bars import Panel
from distill_platform_tests.models.grids import HOUR, SMALL, START, event_table, gaps, random_grid

SETTINGS = SMALL.model_copy(update={"events": ProjectionSettings()})
GRID = random_grid(160, holes=gaps(160, 3, (60, 62, 1), (90, 95, -1)), seed=5)
SOUND = random_grid(160, seed=6)
EVENTS = event_table(START + HOUR * np.arange(0, 160, 2) + 17 * 10**9, ("AAA", MARKET, "CCC"))
Planted = Callable[[Panel], Panel]


def build(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
    return build_features(grid, events, SETTINGS)


def planted(feature: Planted) -> Callable[[BarGrid, pa.Table | None], FeatureFrame]:
    """Return a build with one more feature, computed from the close of the whole grid, shape (T, N)."""

    def with_it(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        frame = build(grid, events)
        values = np.column_stack([frame.values, feature(grid.field("close")).reshape(-1)])
        return dataclasses.replace(frame, names=(*frame.names, "planted"), values=values)

    return with_it


def leaks(feature: Planted, grid: BarGrid = GRID) -> list[Leak]:
    return check_causality(planted(feature), grid, EVENTS, spread_cuts(grid, 8), seed=0)


def tomorrow(close: Panel) -> Panel:
    """The close of the next bar, the negative shift of many a notebook."""
    return np.vstack([close[1:], np.full((1, close.shape[1]), np.nan)])


def far_ahead(close: Panel) -> Panel:
    """Whether the close will have risen between two moments 30 and 31 bars ahead."""
    found = np.full(close.shape, np.nan)
    found[:-31] = close[31:] > close[30:-1]
    return found


def centred(close: Panel) -> Panel:
    """The mean of the bars around a bar, as `rolling(center=True)` gives it."""
    found = np.full(close.shape, np.nan)
    found[2:-2] = sum(close[2 + shift : len(close) - 2 + shift] for shift in range(-2, 3)) / 5.0
    return found


def full_sample(close: Panel) -> Panel:
    """The close in deviations from its mean over all bars there are."""
    frame = pd.DataFrame(close)
    return ((frame - frame.mean()) / frame.std()).to_numpy()


def filled_back(close: Panel) -> Panel:
    """The close, and where it is missing the next one there is."""
    found = close.copy()
    for row in range(len(close) - 2, -1, -1):
        found[row] = np.where(np.isnan(found[row]), found[row + 1], found[row])
    return found


def interpolated(close: Panel) -> Panel:
    """The close, and where it is missing the mean of the ones beside it."""
    found = close.copy()
    middle = 0.5 * (close[:-2] + close[2:])
    found[1:-1] = np.where(np.isnan(close[1:-1]), middle, close[1:-1])
    return found


def warmed_up(close: Panel) -> Panel:
    """The mean of twenty bars; where there are none yet, the first one there will be."""
    found = np.full(close.shape, np.nan)
    for row in range(19, len(close)):
        found[row] = close[row - 19 : row + 1].mean(axis=0)
    if len(close) > 19:
        found[:19] = found[19]
    return found


def last_row(close: Panel) -> Panel:
    """The close, 0 in the last row there is."""
    found = close.copy()
    found[-1] = 0.0
    return found


def is_last_day(close: Panel) -> Panel:
    """How many bars there are still to come."""
    return np.repeat(np.arange(len(close), 0.0, -1.0)[:, None], close.shape[1], axis=1)


@pytest.mark.parametrize(
    "feature",
    [tomorrow, far_ahead, centred, full_sample, filled_back, interpolated, warmed_up, last_row, is_last_day],
    ids=lambda feature: feature.__name__,
)
@pytest.mark.parametrize("grid", [GRID, SOUND], ids=["with gaps", "without gaps"])
def test_a_feature_that_looks_ahead_is_named_and_no_other(feature: Planted, grid: BarGrid) -> None:
    found = leaks(feature, grid)
    assert {leak.feature for leak in found} == {"planted"}
    assert all(leak.ts <= leak.cut for leak in found)


def test_a_label_smuggled_in_as_a_feature_is_named() -> None:
    def smuggled(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        label = labels(grid, LabelSettings(horizon_bars=3, sigma_bars=10)).reshape(-1, 1)
        frame = build(grid, events)
        values = np.hstack([frame.values, label])
        return dataclasses.replace(frame, names=(*frame.names, "planted"), values=values)

    found = check_causality(smuggled, GRID, EVENTS, spread_cuts(GRID, 8), seed=0)
    assert {leak.feature for leak in found} == {"planted"}
    assert {leak.experiment for leak in found} == set(Experiment)


@pytest.mark.parametrize("grid", [GRID, SOUND], ids=["with gaps", "without gaps"])
def test_what_the_platform_builds_is_clean(grid: BarGrid) -> None:
    assert check_causality(build, grid, EVENTS, spread_cuts(grid, 12), seed=0) == []


def test_events_seen_before_they_were_available_are_named() -> None:
    def early(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        assert events is not None
        when = pc.subtract(events["available_at"], pa.scalar(6 * 3_600 * 10**6, pa.duration("us")))
        place = events.schema.get_field_index("available_at")
        return build(grid, events.set_column(place, events.schema.field(place), when))

    found = check_causality(early, GRID, EVENTS, spread_cuts(GRID, 8), seed=0)
    assert "event_polarity_6h" in {leak.feature for leak in found}
    assert all("event" in leak.feature for leak in found)


def test_a_change_of_later_polarities_is_seen_without_any_row_being_taken_away() -> None:
    def mean_of_all(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        assert events is not None
        frame = build(grid, events)
        mood = np.full((len(frame), 1), pc.sum(events["polarity"]).as_py() or 0.0)
        return dataclasses.replace(frame, names=(*frame.names, "planted"), values=np.hstack([frame.values, mood]))

    found = check_causality(mean_of_all, GRID, EVENTS, spread_cuts(GRID, 4), seed=0)
    assert Experiment.GARBAGE in {leak.experiment for leak in found}


def test_rows_dropped_for_what_is_missing_later_are_a_leak_of_their_own() -> None:
    def dropped(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        frame = planted(centred)(grid, events)
        return frame.rows(~np.isnan(frame.values[:, -1]))

    found = check_causality(dropped, SOUND, EVENTS, spread_cuts(SOUND, 8), seed=0)
    assert ROWS in {leak.feature for leak in found}


def test_usable_rows_chosen_by_what_comes_later_are_a_leak_of_their_own() -> None:
    def choosy(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        frame = build(grid, events)
        later = ~np.isnan(tomorrow(grid.field("close"))).reshape(-1)
        return dataclasses.replace(frame, is_usable=frame.is_usable & later)

    found = check_causality(choosy, SOUND, EVENTS, spread_cuts(SOUND, 8), seed=0)
    assert {leak.feature for leak in found} == {USABLE}


def test_a_check_that_could_find_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no cut"):
        check_causality(build, GRID, EVENTS, [], seed=0)
    for cut in (int(GRID.ts[-1]), int(GRID.ts[3]) + 1, 0):
        with pytest.raises(ValueError, match="not a moment"):
            check_causality(build, GRID, EVENTS, [cut], seed=0)


def test_cuts_are_spread_from_the_first_bar_on_and_stand_where_gaps_end() -> None:
    cuts = spread_cuts(GRID, 8)
    assert cuts[0] == GRID.ts[0]
    assert {int(GRID.ts[61]), int(GRID.ts[94])} <= set(cuts)
    assert max(cuts) < GRID.ts[-1]
    assert list(cuts) == sorted(set(cuts))
