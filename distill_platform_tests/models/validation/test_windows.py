"""Three adjacent windows end where a training week begins."""

import numpy as np
import pytest
from pydantic import ValidationError

from distill_platform.models.validation.windows import Window, Windows, WindowSettings, windows_of
from distill_platform_tests.models.made_frames import HOUR, MONDAY, made_frame

WEEK = 7 * 24 * HOUR


def test_the_windows_are_adjacent_and_the_forward_one_ends_at_the_week() -> None:
    as_of = MONDAY + 2_000 * WEEK
    windows = windows_of(as_of, WindowSettings(search_weeks=10, validation_weeks=3, forward_weeks=2))
    assert windows.forward == Window(as_of - 2 * WEEK, as_of)
    assert windows.validation == Window(as_of - 5 * WEEK, as_of - 2 * WEEK)
    assert windows.search == Window(as_of - 15 * WEEK, as_of - 5 * WEEK)


def test_a_row_whose_label_reaches_into_the_next_window_is_in_neither() -> None:
    frame = made_frame(bars=24 * 7 * 3, symbols=1, horizon=6)
    first, second = Window(MONDAY, MONDAY + WEEK), Window(MONDAY + WEEK, MONDAY + 2 * WEEK)
    rows = [frame.between(window.start_ns, window.end_ns) for window in (first, second)]
    assert len(rows[0]) == 24 * 7 - 6
    assert rows[0].label_end.max() < rows[1].features.ts.min()


@pytest.mark.parametrize("off", [1, HOUR, 24 * HOUR, -24 * HOUR])
def test_a_training_week_begins_on_a_monday_at_midnight(off: int) -> None:
    with pytest.raises(ValueError, match="Monday"):
        windows_of(MONDAY + 2_000 * WEEK + off, WindowSettings())


def test_windows_before_1970_and_windows_with_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="1970"):
        windows_of(MONDAY + 3 * WEEK, WindowSettings())
    with pytest.raises(ValueError, match="adjacent"):
        Windows(Window(0, 1), Window(2, 3), Window(3, 4))
    with pytest.raises(ValueError, match="end after"):
        Window(5, 5)


def test_windows_that_share_a_moment_overlap() -> None:
    ends = np.array([0, 5, 10])
    first, second = Window(int(ends[0]), int(ends[1])), Window(int(ends[1]), int(ends[2]))
    assert not first.overlaps(second)
    assert first.overlaps(Window(4, 6))


def test_windows_that_reach_back_before_there_were_markets_are_refused_where_they_are_declared() -> None:
    with pytest.raises(ValidationError, match="2,016 weeks long together"):
        WindowSettings(search_weeks=2_000)
