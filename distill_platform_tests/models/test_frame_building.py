"""Frames say the same online and offline, and which of their rows nobody should train on."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core.errors import FrameError
from distill_platform.feeds.events.event import EVENTS, MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.catalogue import history_bars, lookback_bars, names_of
from distill_platform.models.features.event_window import events_until
from distill_platform.models.features.kind import FeatureGroup
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frame_building import build_features, build_training_frame, features_at, join_frames
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.labels import LabelSettings, labels
from distill_platform_tests.models.grids import HOUR, SMALL, START, event_table, gaps, random_grid

WITH_EVENTS = SMALL.model_copy(update={"events": ProjectionSettings(lookback_h=168)})
HOLES = gaps(400, 3, (70, 71, 0), (120, 131, 1), (200, 203, -1), (250, 252, 2), (255, 259, 2))
GRID = random_grid(400, holes=HOLES, seed=2)
EVENTS_SEEN = event_table(START + HOUR * np.arange(-50, 400, 3) + 17 * 10**9, ("AAA", MARKET, "CCC"))
WHOLE = build_features(GRID, EVENTS_SEEN, WITH_EVENTS)


def assert_same_rows(left: FeatureFrame, right: FeatureFrame) -> None:
    np.testing.assert_array_equal(left.ts, right.ts)
    np.testing.assert_array_equal(left.symbol, right.symbol)
    np.testing.assert_array_equal(left.is_usable, right.is_usable)
    np.testing.assert_array_equal(left.values.view(np.uint64), right.values.view(np.uint64))


def test_there_is_a_row_for_every_moment_and_symbol() -> None:
    np.testing.assert_array_equal(WHOLE.ts, np.repeat(GRID.ts, 3))
    np.testing.assert_array_equal(WHOLE.symbol, np.tile([0, 1, 2], 400))
    assert WHOLE.values.shape == (1200, len(WHOLE.names))
    assert not np.isinf(WHOLE.values).any()


@given(row=st.integers(history_bars(WITH_EVENTS) - 1, 399))
@settings(max_examples=60)
def test_online_and_offline_are_equal_to_the_last_bit(row: int) -> None:
    ts = int(GRID.ts[row])
    online = features_at(GRID.until(ts), EVENTS_SEEN, ts, WITH_EVENTS)
    assert_same_rows(online, WHOLE.rows(WHOLE.ts == ts))
    tail = GRID.rows(row + 1 - history_bars(WITH_EVENTS), row + 1)
    assert_same_rows(features_at(tail, EVENTS_SEEN, ts, WITH_EVENTS), online)


def test_online_looks_at_no_event_that_is_too_old_or_still_to_come() -> None:
    ts = int(GRID.ts[300])
    window = WITH_EVENTS.events
    assert window is not None
    seen = events_until(EVENTS_SEEN, ts, ts - window.lookback_h * HOUR)
    assert 0 < seen.num_rows < EVENTS_SEEN.num_rows
    both = [features_at(GRID, events, ts, WITH_EVENTS) for events in (EVENTS_SEEN, seen)]
    assert_same_rows(*both)
    assert both[0].versions == both[1].versions


def test_a_mismatch_between_online_and_offline_would_be_seen() -> None:
    ts = int(GRID.ts[-1])
    other = features_at(GRID, EVENTS_SEEN.slice(0, EVENTS_SEEN.num_rows - 1), ts, WITH_EVENTS)
    with pytest.raises(AssertionError):
        assert_same_rows(other, WHOLE.rows(WHOLE.ts == ts))


@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 9), start=st.integers(0, 150))
@settings(max_examples=25)
def test_a_day_from_its_own_history_is_the_day_within_years(seed: int, width: int, start: int) -> None:
    random = np.random.default_rng(seed)
    holes = random.random((260, width)) < random.choice([0.0, 0.01, 0.2])
    grid = random_grid(260, [f"S{n}" for n in range(width)], seed, holes)
    need = history_bars(SMALL)
    day = build_features(grid.rows(start, start + need + 24), None, SMALL)
    whole = build_features(grid, None, SMALL)
    first = int(grid.ts[start + need - 1])
    last = int(grid.ts[start + need + 23])
    assert_same_rows(day.rows(day.ts >= first), whole.rows((whole.ts >= first) & (whole.ts <= last)))


def test_features_with_windows_of_a_week_are_equal_online_and_offline_too() -> None:
    default, grid = FeatureSettings(), random_grid(420, seed=9)
    whole = build_features(grid, None, default)
    for row in (history_bars(default) - 1, 300, 419):
        ts = int(grid.ts[row])
        assert_same_rows(features_at(grid, None, ts, default), whole.rows(whole.ts == ts))


def test_rows_without_a_bar_and_rows_that_look_back_on_an_outage_are_not_usable() -> None:
    usable = WHOLE.is_usable.reshape(400, 3)
    back = lookback_bars(SMALL)
    assert not usable[: back - 1].any()
    np.testing.assert_array_equal(np.flatnonzero(~usable[back - 1 :, 0]) + back - 1, [70, *range(200, 203 + back - 1)])
    assert not usable[120 : 131 + back - 1, 1].any()
    assert usable[131 + back - 1, 1]
    assert not usable[250:252, 2].any()
    assert usable[252:255, 2].all()
    assert not usable[255 : 259 + back - 1, 2].any()


def test_a_short_gap_makes_features_missing_and_leaves_the_row() -> None:
    row = WHOLE.rows((WHOLE.ts == GRID.ts[72]) & (WHOLE.symbol == 0))
    assert row.is_usable.all()
    assert np.isnan(row.columns(("log_return_1", "realized_volatility_6")))[0].tolist() == [False, True]
    assert row.columns(("missing_bars_6",))[0, 0] == pytest.approx(1 / 6)


def test_features_of_events_follow_those_of_bars() -> None:
    without = build_features(GRID, None, SMALL)
    assert WHOLE.names == without.names + names_of(WITH_EVENTS, FeatureGroup.EVENTS)
    np.testing.assert_array_equal(WHOLE.columns(without.names), without.values)
    assert WHOLE.columns(("event_count_168h",)).any()


def test_an_event_of_low_quality_counts_only_where_the_settings_say_so() -> None:
    loose = WITH_EVENTS.model_copy(update={"events": ProjectionSettings(exclude_low_quality=False)})
    more = build_features(GRID, EVENTS_SEEN, loose).columns(("event_count_168h",))
    fewer = WHOLE.columns(("event_count_168h",))
    assert (more >= fewer).all()
    assert (more > fewer).any()


def test_no_events_at_all_are_zeros_but_no_table_of_events_is_refused() -> None:
    quiet = build_features(GRID, EVENTS.empty_table(), WITH_EVENTS)
    assert quiet.columns(("events_missing",)).all()
    with pytest.raises(FrameError, match="events are asked for"):
        build_features(GRID, None, WITH_EVENTS)


def test_a_moment_beyond_the_grid_and_a_history_too_short_are_refused() -> None:
    with pytest.raises(FrameError, match="no moment"):
        features_at(GRID, None, int(GRID.ts[-1]) + HOUR, SMALL)
    short = history_bars(SMALL) - 2
    with pytest.raises(FrameError, match="look back on"):
        features_at(GRID, None, int(GRID.ts[short]), SMALL)


def test_days_join_to_the_rows_of_the_whole() -> None:
    cuts = [WHOLE.rows((WHOLE.ts >= GRID.ts[first]) & (WHOLE.ts < GRID.ts[first + 100])) for first in (0, 100, 200)]
    joined = join_frames(cuts)
    assert_same_rows(joined, WHOLE.rows(WHOLE.ts < GRID.ts[300]))
    assert joined.versions.schema_hash == WHOLE.versions.schema_hash
    with pytest.raises(FrameError, match="does not come after"):
        join_frames(cuts[::-1])
    other = dataclasses.replace(cuts[1], versions=build_features(GRID, None, SMALL).versions)
    with pytest.raises(FrameError, match="different"):
        join_frames([cuts[0], other])
    with pytest.raises(FrameError, match="no frames"):
        join_frames([])


def test_a_training_frame_gives_each_row_its_own_label_whatever_rows_there_are() -> None:
    asked = LabelSettings(horizon_bars=5, sigma_bars=20)
    panel = labels(GRID, asked).reshape(-1)
    whole = build_training_frame(WHOLE, GRID, asked)
    np.testing.assert_array_equal(whole.label, panel)
    np.testing.assert_array_equal(whole.label_end, WHOLE.ts + 5 * HOUR)
    kept = np.random.default_rng(0).permutation(1200)[:100]
    kept.sort()
    np.testing.assert_array_equal(build_training_frame(WHOLE.rows(kept), GRID, asked).label, panel[kept])


def test_rows_that_the_grid_of_the_labels_does_not_hold_have_no_label() -> None:
    asked = LabelSettings(horizon_bars=5, sigma_bars=20)
    part = build_training_frame(WHOLE, GRID.rows(0, 100), asked)
    assert np.isnan(part.label[95 * 3 :]).all()
    late = build_training_frame(WHOLE, GRID.rows(60, 400), asked)
    assert np.isnan(late.label[: 80 * 3]).all()
    assert not np.isnan(late.label[80 * 3 + 1 : 81 * 3]).any()


def test_labels_of_a_grid_without_a_symbol_are_refused() -> None:
    with pytest.raises(FrameError, match="no symbol 'CCC'"):
        build_training_frame(WHOLE, random_grid(400, ("AAA", "BBB")), LabelSettings())


def test_the_lineage_of_a_training_frame_names_its_labels() -> None:
    lineages = {
        build_training_frame(WHOLE, GRID, LabelSettings(horizon_bars=bars)).features.versions.lineage_id
        for bars in (1, 2, 3)
    }
    assert len(lineages | {WHOLE.versions.lineage_id}) == 4
