"""A sequence is the bars that led up to a row, by time stamp: over a gap there is none."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.models.frames import FeatureFrame
from distill_platform.models.tsmixer.sequences import Sequences, sequence_windows
from distill_platform_tests.models.tsmixer.panels import HOUR, START, panel


def cut(frame: FeatureFrame, length: int = 4) -> Sequences:
    rows = np.arange(len(frame), dtype=np.int64)
    return sequence_windows(frame, frame.values.astype(np.float32), rows, length, HOUR)


def expected(frame: FeatureFrame, row: int, length: int) -> np.ndarray | None:
    """Looked up one bar after the other, by symbol and time stamp."""
    places = {(int(ts), int(symbol)): at for at, (ts, symbol) in enumerate(zip(frame.ts, frame.symbol, strict=True))}
    steps = range(length - 1, -1, -1)
    found = [places.get((int(frame.ts[row]) - step * HOUR, int(frame.symbol[row])), -1) for step in steps]
    if min(found) < 0 or not frame.is_usable[found].all():
        return None
    return frame.values[found].T.astype(np.float32)


def assert_as_looked_up(frame: FeatureFrame, length: int) -> None:
    sequences = cut(frame, length)
    for row in range(len(frame)):
        window = expected(frame, row, length)
        assert sequences.is_available[row] == (window is not None)
        if window is not None:
            np.testing.assert_array_equal(sequences.windows(np.array([row]))[0].numpy(), window)


@settings(max_examples=40)
@given(
    gone=st.sets(st.integers(0, 59), max_size=8),
    unusable=st.sets(st.integers(0, 51), max_size=4),
    length=st.integers(2, 6),
)
def test_windows_are_what_a_look_up_by_time_stamp_finds(gone: set[int], unusable: set[int], length: int) -> None:
    frame = panel(hours=20, symbols=3)
    frame = frame.rows(np.array([row for row in range(60) if row not in gone]))
    frame.is_usable[list(unusable)] = False
    assert_as_looked_up(frame, length)


def test_an_outage_is_not_closed_up() -> None:
    frame = panel(hours=30, symbols=2)
    outage = (frame.ts >= START + 10 * HOUR) & (frame.ts < START + 12 * HOUR)
    kept = frame.rows(~outage)
    available = kept.ts[cut(kept).is_available]
    assert available.min() == START + 3 * HOUR
    assert not ((available >= START + 10 * HOUR) & (available < START + 15 * HOUR)).any()
    assert (available == START + 15 * HOUR).sum() == 2


def test_one_symbol_s_gap_leaves_the_others_alone() -> None:
    frame = panel(hours=30, symbols=3)
    kept = frame.rows(~((frame.symbol == 1) & (frame.ts == START + 10 * HOUR)))
    without = kept.symbol[~cut(kept).is_available & (kept.ts >= START + 3 * HOUR)]
    assert (without == 1).all()
    assert len(without) == 3


def test_an_unusable_bar_is_in_no_window() -> None:
    frame = panel(hours=20, symbols=1)
    frame.is_usable[10] = False
    assert np.flatnonzero(~cut(frame).is_available).tolist() == [0, 1, 2, 10, 11, 12, 13]


def test_the_order_of_rows_does_not_matter() -> None:
    frame = panel(hours=20, symbols=3)
    order = np.random.default_rng(5).permutation(len(frame))
    mixed, sorted_ = cut(frame.rows(order)), cut(frame)
    row = int(np.flatnonzero(mixed.is_available)[7])
    np.testing.assert_array_equal(mixed.windows(np.array([row])), sorted_.windows(order[[row]]))
    assert (mixed.is_available == sorted_.is_available[order]).all()


def test_stamps_off_the_grid_have_no_window() -> None:
    frame = panel(hours=20, symbols=1)
    frame.ts[10:] += 60 * 10**9
    assert np.flatnonzero(~cut(frame).is_available).tolist() == [0, 1, 2, 10, 11, 12]


def test_a_row_without_a_window_cannot_be_had() -> None:
    with pytest.raises(IndexError, match="is_available"):
        cut(panel(hours=20)).windows(np.array([0]))


def test_two_hundred_thousand_windows_take_no_memory_of_their_own() -> None:
    frame = panel(hours=100_000, symbols=2, features=2)
    sequences = cut(frame, length=512)
    assert sequences.channels.nbytes + sequences.first.nbytes < 4_000_000
    assert sequences.windows(np.array([199_999])).shape == (1, 2, 512)


def test_a_frame_without_rows_has_no_windows() -> None:
    frame = panel(hours=5).rows(np.zeros(0, dtype=np.int64))
    assert len(cut(frame).is_available) == 0
