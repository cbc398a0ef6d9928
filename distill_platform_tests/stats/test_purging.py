import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.stats.cpcv import cpcv_splits
from distill_platform.stats.purging import group_bounds, purged_split, purged_split_times, time_segments

Times = npt.NDArray[np.int64]


def touch(start: Any, end: Any, other_start: Any, other_end: Any) -> bool:
    """Two closed intervals share a moment."""
    return bool(start <= other_end and other_start <= end)


@st.composite
def panels(draw: st.DrawFn) -> tuple[Times, Times, Times, int]:
    """Labels of several symbols with gaps and horizons of their own, rows shuffled; test segments; an embargo."""
    starts, ends = [], []
    for _ in range(draw(st.integers(1, 4))):
        clock = draw(st.integers(0, 5))
        for _ in range(draw(st.integers(1, 15))):
            clock += draw(st.integers(0, 6))
            starts.append(clock)
            ends.append(clock + draw(st.integers(0, 12)))
    order = draw(st.permutations(range(len(starts))))
    rows = np.array(starts)[order], np.array(ends)[order]
    groups = time_segments(rows[0], draw(st.integers(1, min(5, len(set(starts))))))
    chosen = draw(st.lists(st.integers(0, len(groups) - 1), min_size=1, unique=True))
    return *rows, groups[chosen], draw(st.integers(0, 10))


@given(panels())
@settings(max_examples=300)
def test_no_training_label_touches_a_test_label_and_nothing_else_is_left_out(
    panel: tuple[Times, Times, Times, int],
) -> None:
    starts, ends, segments, embargo = panel
    split = purged_split_times(starts, ends, segments, embargo)
    tested = [row for row, start in enumerate(starts) if any(low <= start <= high for low, high in segments)]
    train = []
    for row in set(range(len(starts))) - set(tested):
        overlaps = any(touch(starts[row], ends[row], starts[test], ends[test]) for test in tested)
        last_ends = [max(ends[test] for test in tested if low <= starts[test] <= high) for low, high in segments]
        if not overlaps and not any(end < starts[row] <= end + embargo for end in last_ends):
            train.append(row)
    assert split.test.tolist() == tested
    assert split.train.tolist() == sorted(train)


@given(panels())
def test_dates_are_split_as_their_numbers_are(panel: tuple[Times, Times, Times, int]) -> None:
    starts, ends, segments, embargo = panel
    expected = purged_split_times(starts, ends, segments, embargo)
    in_floats = purged_split_times(starts.astype(float), ends.astype(float), segments.astype(float), float(embargo))
    hours = [values.astype("datetime64[h]") for values in (starts, ends, segments)]
    for found in (
        in_floats,
        purged_split_times(*hours, np.timedelta64(embargo, "h")),
        purged_split_times(*(hour.astype("datetime64[ns]") for hour in hours), dt.timedelta(hours=embargo)),
    ):
        np.testing.assert_array_equal(found.train, expected.train)
        np.testing.assert_array_equal(found.test, expected.test)


@given(st.data())
def test_positions_are_split_by_the_definition(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    n_groups = data.draw(st.integers(1, n))
    horizon, embargo = data.draw(st.integers(0, 50)), data.draw(st.integers(0, 50))
    chosen = data.draw(st.lists(st.integers(0, n_groups - 1), min_size=1, unique=True))
    split = purged_split(n, n_groups, chosen, horizon, embargo)
    groups = np.array_split(np.arange(n), n_groups)
    tested = {int(row) for group in chosen for row in groups[group]}
    banned = {
        row
        for test in tested
        for row in range(n)
        if abs(row - test) <= horizon or (test + 1 not in tested and 0 < row - test - horizon <= embargo)
    }
    assert set(split.test.tolist()) == tested
    assert set(split.train.tolist()) == set(range(n)) - tested - banned


@given(st.integers(1, 60), st.data())
def test_groups_are_cut_as_numpy_cuts_them(n: int, data: st.DataObject) -> None:
    n_groups = data.draw(st.integers(1, n))
    bounds = group_bounds(n, n_groups)
    assert np.diff(bounds).tolist() == [len(group) for group in np.array_split(np.arange(n), n_groups)]


def test_the_embargo_adds_to_the_purge() -> None:
    split = purged_split(12, 4, [1], label_horizon=1, embargo=1)
    assert split.train.tolist() == [0, 1, 8, 9, 10, 11]
    assert split.test.tolist() == [3, 4, 5]


def test_a_split_prints_its_sizes() -> None:
    assert repr(purged_split(12, 4, [1], 1, 1)) == "PurgedSplit(6 rows to train on, 3 to test on)"


def test_what_lies_between_two_test_runs_stays_in_training() -> None:
    split = purged_split(20, 5, [3, 1], label_horizon=1, embargo=1)
    assert split.train.tolist() == [0, 1, 2, 10, 18, 19]
    assert split.test.tolist() == [4, 5, 6, 7, 12, 13, 14, 15]


def test_without_horizon_and_embargo_all_the_rest_is_trained_on() -> None:
    assert purged_split(7, 3, [1]).train.tolist() == [0, 1, 2, 5, 6]


def test_a_horizon_or_embargo_of_any_size_leaves_nothing_after_the_test() -> None:
    assert purged_split(9, 3, [1], label_horizon=2**62).train.tolist() == []
    assert purged_split(9, 3, [1], embargo=10**30).train.tolist() == [0, 1, 2]


def test_moments_of_several_symbols_are_never_divided_between_groups() -> None:
    starts = np.repeat([10, 20, 30, 40, 50], 3)
    segments = time_segments(starts, 2)
    assert segments.tolist() == [[10, 30], [40, 50]]
    split = purged_split_times(starts, starts, segments[1:], 0)
    assert len(split.test) == 6
    assert len(split.train) == 9


def test_an_exact_embargo_ends_with_its_last_moment() -> None:
    starts = np.arange(10)
    assert purged_split_times(starts, starts, [[3, 4]], 2).train.tolist() == [0, 1, 2, 7, 8, 9]


def test_nanoseconds_are_told_apart() -> None:
    first = 1_700_000_000_000_000_000
    starts = np.array([first, first + 2, first + 3])
    split = purged_split_times(starts, starts + np.array([1, 0, 1]), [[first + 2, first + 2]])
    assert split.train.tolist() == [0, 2]


def test_narrow_integers_do_not_overflow() -> None:
    starts = np.array([0, 2_000_000_000, 2_100_000_000], dtype=np.int32)
    assert purged_split_times(starts, starts, [[2_000_000_000, 2_000_000_000]], 2**31).train.tolist() == [0]


@pytest.mark.parametrize("n_symbols", [1, 5])
def test_all_splits_of_a_panel_are_clean(n_symbols: int) -> None:
    rng = np.random.default_rng(7)
    starts = np.tile(np.arange(120), n_symbols)
    ends = starts + rng.integers(0, 9, len(starts))
    segments = time_segments(starts, 6)
    for groups in cpcv_splits(6, 2):
        split = purged_split_times(starts, ends, segments[list(groups)], 3)
        for row in split.train:
            assert not (((starts[split.test] <= ends[row]) & (starts[row] <= ends[split.test])).any())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((10, 0, [0]), "n_groups"),
        ((10, 11, [0]), "n_groups"),
        ((0, 1, [0]), "n_groups"),
        ((10, 2, []), "test_groups"),
        ((10, 2, [2]), "test_groups"),
        ((10, 2, [-1]), "test_groups"),
        ((10, 2, [1, 1]), "test_groups"),
        ((10, 2, [1], -1), "label_horizon"),
        ((10, 2, [1], 0, -1), "embargo"),
    ],
)
def test_wrong_positions_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        purged_split(*arguments)


DAYS = np.array(["2024-01-01", "2024-01-02", "NaT"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([], [], [[0, 1]]), "starts"),
        (([0, 1], [0], [[0, 1]]), "one length"),
        (([0, 2], [0, 1], [[0, 1]]), "row 1 ends before"),
        (([0.0, np.nan], [1.0, 1.0], [[0.0, 1.0]]), r"missing or infinite at \[1\]"),
        (([0.0, 1.0], [1.0, np.inf], [[0.0, 1.0]]), "ends is missing"),
        ((DAYS, DAYS, [[0, 1]]), "missing"),
        ((DAYS[:2], DAYS[:2], [[0, 1]]), "one type of time"),
        ((DAYS[:2], DAYS[:2], DAYS[np.newaxis, :2], 1), "timedelta"),
        ((DAYS[:2], DAYS[:2], DAYS[np.newaxis, :2], np.timedelta64("NaT")), "embargo"),
        ((DAYS[:2], DAYS[:2], DAYS[np.newaxis, :2], dt.timedelta(-1)), "embargo"),
        (([0.0], [1.0], [[0.0, 1.0]], np.nan), "embargo"),
        (([0], [1], [[5, 6]]), "no observation starts in test segment 0"),
        (([0], [1], [[1, 0]]), "first not after the last"),
        (([0], [1], [[0, 1, 2]]), "two moments"),
        (([0], [1], [0, 1]), "dimension"),
        (([True], [True], [[0, 1]]), "numbers or datetime64"),
        ((["a"], ["b"], [[0, 1]]), "numbers or datetime64"),
    ],
)
def test_wrong_times_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        purged_split_times(*arguments)
