"""The guard against builds that were made to slip past it: they leak seldom, by what is missing, or by memory."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.causality import Build, check_causality, spread_cuts
from distill_platform.models.features.settings import GuardSettings
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame, Floats
from distill_platform.strategies.bars import Panel
from distill_platform_tests.models.grids import HOUR, SMALL, START, event_table, gaps, random_grid

GRID = random_grid(300, seed=6)
GAPPED = random_grid(300, holes=gaps(300, 3, (60, 62, 1), (90, 95, -1), (200, 201, 0)), seed=5)
GUARD = GuardSettings()


def named(build: Build, grid: BarGrid = GRID, events: pa.Table | None = None) -> set[str]:
    found = check_causality(build, grid, events, spread_cuts(grid, GUARD.cuts), GUARD.seed)
    return {leak.feature for leak in found}


def with_planted(frame: FeatureFrame, values: Floats) -> FeatureFrame:
    wider = np.column_stack([frame.values, values.reshape(-1)])
    return dataclasses.replace(frame, names=(*frame.names, "planted"), values=wider)


def planted(feature: Callable[[BarGrid], Panel]) -> Build:
    def build(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        return with_planted(build_features(grid, events, SMALL), feature(grid))

    return build


def next_row(values: Panel) -> Panel:
    """What stands in the next row, 0 in the last one: nothing gives away that it is the last."""
    return np.vstack([values[1:], np.zeros((1, values.shape[1]))])


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("grid", [GRID, GAPPED], ids=["with all bars", "with gaps"])
def test_a_leak_of_a_single_hour_of_the_day_is_found(grid: BarGrid, hour: int) -> None:
    def at_one_hour(grid: BarGrid) -> Panel:
        is_hour = (grid.ts // HOUR % 24 == hour)[:, None]
        return np.where(is_hour, np.nan_to_num(next_row(np.log(grid.field("close")))), 0.0)

    assert named(planted(at_one_hour), grid) == {"planted"}


def missing_next(grid: BarGrid) -> Panel:
    return next_row(grid.is_missing.astype(np.float64))


def alone_missing_next(grid: BarGrid) -> Panel:
    alone = grid.is_missing & ~grid.is_missing.all(axis=1, keepdims=True)
    return next_row(alone.astype(np.float64))


def stale_next(grid: BarGrid) -> Panel:
    return next_row(grid.is_stale.astype(np.float64))


def outage_ahead(grid: BarGrid) -> Panel:
    gone = grid.is_missing.all(axis=1, keepdims=True).astype(np.float64)
    return np.repeat(next_row(gone) * next_row(next_row(gone)), 3, axis=1)


def survives(grid: BarGrid) -> Panel:
    alive = (~grid.is_missing[-5:]).any(axis=0).astype(np.float64)
    return np.repeat(alive[None, :], len(grid), axis=0)


def alive_later(grid: BarGrid) -> Panel:
    alive = float((~grid.is_missing[-5:]).any(axis=0).sum())
    return np.full(grid.is_missing.shape, alive)


@pytest.mark.parametrize(
    "feature", [missing_next, alone_missing_next, stale_next, outage_ahead, survives, alive_later],
    ids=lambda feature: feature.__name__,
)  # fmt: skip
@pytest.mark.parametrize("grid", [GRID, GAPPED], ids=["with all bars", "with gaps"])
def test_bars_that_will_be_missing_or_say_nothing_are_a_future_too(
    feature: Callable[[BarGrid], Panel], grid: BarGrid
) -> None:
    assert named(planted(feature), grid) == {"planted"}


def test_what_a_closure_remembers_from_the_first_build_is_found() -> None:
    known: dict[str, float] = {}

    def normalized(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        mean = known.setdefault("mean", float(np.nanmean(grid.field("close"))))
        return with_planted(build_features(grid, events, SMALL), grid.field("close") - mean)

    assert named(normalized) == {"planted"}


def test_what_an_object_remembers_from_the_first_build_is_found() -> None:
    class Normalizing:
        def __init__(self) -> None:
            self.mean: float | None = None

        def __call__(self, grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
            if self.mean is None:
                self.mean = float(np.nanmean(grid.field("close")))
            return with_planted(build_features(grid, events, SMALL), grid.field("close") - self.mean)

        def build(self, grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
            return self(grid, events)

    assert named(Normalizing()) == {"planted"}
    assert named(Normalizing().build) == {"planted"}


def test_what_is_looked_up_by_moment_in_an_earlier_build_is_found() -> None:
    known: dict[int, Floats] = {}

    def remembered(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        ahead = next_row(grid.field("close"))
        rows = [known.setdefault(int(ts), ahead[place]) for place, ts in enumerate(grid.ts)]
        return with_planted(build_features(grid, events, SMALL), np.array(rows))

    assert named(remembered) == {"planted"}


def sparse_events(lag_ns: int) -> pa.Table:
    """Return a report every two days, published shortly before a full hour and available shortly after it."""
    events = event_table(START + 48 * HOUR * np.arange(1, 6) + lag_ns, ("AAA", MARKET))
    place = events.schema.get_field_index("published_at")
    published = pa.array(np.array(events["available_at"].cast(pa.int64())) - 2 * lag_ns // 1_000)
    return events.set_column(place, events.schema.field(place), published.cast(events.schema.field(place).type))


def test_rare_events_used_from_when_they_were_published_are_found() -> None:
    settings = SMALL.model_copy(update={"events": ProjectionSettings()})

    def build(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        return build_features(grid, events, settings)

    def too_early(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        assert events is not None
        place = events.schema.get_field_index("available_at")
        return build(grid, events.set_column(place, events.schema.field(place), events["published_at"]))

    events = sparse_events(5 * 60 * 10**9)
    assert named(build, GRID, events) == set()
    assert "event_count_1h" in named(too_early, GRID, events)


def test_the_size_that_a_cluster_of_reports_will_reach_is_found() -> None:
    def with_clusters(grid: BarGrid, events: pa.Table | None) -> FeatureFrame:
        assert events is not None
        sizes = events["cluster_id"].value_counts().to_pylist()
        size = {each["values"]: float(each["counts"]) for each in sizes}
        when = np.array(events["available_at"].cast(pa.int64())) * 1_000
        seen = np.array([size[each] for each in events["cluster_id"].to_pylist()])
        last = np.searchsorted(when, grid.ts, "right") - 1
        values = np.where(last >= 0, seen[last] if len(seen) else 0.0, 0.0)
        return with_planted(build_features(grid, None, SMALL), np.repeat(values, 3))

    assert named(with_clusters, GRID, sparse_events(5 * 60 * 10**9)) == {"planted"}


@pytest.mark.parametrize("grid", [GRID, GAPPED], ids=["with all bars", "with gaps"])
def test_the_guard_as_it_is_set_names_nothing_that_is_honest(grid: BarGrid) -> None:
    events = event_table(START + HOUR * np.arange(0, 300, 2) + 17 * 10**9, ("AAA", MARKET, "CCC"))
    settings = SMALL.model_copy(update={"events": ProjectionSettings()})
    assert named(lambda part, seen: build_features(part, seen, settings), grid, events) == set()
