"""A frame that a model would not have seen at the moment itself is found out, to the last bit."""

import dataclasses

import numpy as np
import pytest

from distill_platform.core.errors import FrameError
from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.features.causality import ROWS, USABLE
from distill_platform.models.features.tables import from_table, to_table
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.parity import Mismatch, online_mismatches
from distill_platform_tests.models.grids import HOUR, SMALL, START, event_table, gaps, random_grid

SETTINGS = SMALL.model_copy(update={"events": ProjectionSettings()})
GRID = random_grid(120, holes=gaps(120, 3, (60, 66, 1), (80, 81, -1)))
EVENTS = event_table(START + HOUR * np.arange(0, 120, 2), ("AAA", MARKET))
FRAME = build_features(GRID, EVENTS, SETTINGS)
MOMENTS = GRID.ts[40::7].tolist()


def mismatches(frame: FeatureFrame) -> list[Mismatch]:
    return online_mismatches(frame, GRID, EVENTS, SETTINGS, MOMENTS)


def test_what_is_stored_is_what_was_known() -> None:
    assert mismatches(FRAME) == []
    assert mismatches(from_table(to_table(FRAME), FRAME.symbols)) == []


def test_one_bit_is_enough() -> None:
    values = FRAME.values.copy()
    row, column = 3 * 47 + 1, FRAME.names.index("scaled_momentum_7")
    values[row, column] = np.nextafter(values[row, column], np.inf)
    assert mismatches(dataclasses.replace(FRAME, values=values)) == [
        Mismatch("scaled_momentum_7", int(GRID.ts[47]), "BBB")
    ]


def test_so_are_a_row_that_is_not_there_and_one_that_is_usable_only_offline() -> None:
    kept = FRAME.rows(np.flatnonzero(np.arange(len(FRAME)) != 3 * 47))
    assert {(each.feature, each.ts) for each in mismatches(kept)} == {(ROWS, int(GRID.ts[47]))}
    usable = FRAME.is_usable.copy()
    usable[3 * 61 + 1] = True
    found = mismatches(dataclasses.replace(FRAME, is_usable=usable))
    assert found == [Mismatch(USABLE, int(GRID.ts[61]), "BBB")]


def test_bars_corrected_after_the_fact_are_seen() -> None:
    revised = build_features(random_grid(120, seed=1), EVENTS, SETTINGS)
    assert {each.ts for each in mismatches(revised)} == set(MOMENTS)


def test_frames_of_another_schema_and_no_moments_are_refused() -> None:
    with pytest.raises(FrameError, match="different schemas"):
        mismatches(build_features(GRID, None, SMALL))
    with pytest.raises(FrameError, match="no moment"):
        online_mismatches(FRAME, GRID, EVENTS, SETTINGS, [])
