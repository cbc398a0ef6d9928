"""Splits beside those of skfolio, purgedcv and scikit-learn: equal where they are right, told where they are not."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from distill_platform.stats.cpcv import cpcv_paths, cpcv_splits
from distill_platform.stats.purging import purged_split, purged_split_times, time_segments
from distill_platform.stats.walk_forward import walk_forward

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

Rows = npt.NDArray[np.int64]


def overlaps(train: Rows, test: Rows, starts: Rows, ends: Rows) -> int:
    """How many training labels share more than a single moment with a test label."""
    return sum(
        bool(((starts[test] < ends[row]) & (starts[row] < ends[test])).any()) for row in np.asarray(train).tolist()
    )


@pytest.mark.parametrize(("n_groups", "n_test", "horizon", "embargo"), [(6, 2, 0, 0), (6, 2, 2, 1), (5, 3, 1, 3)])
def test_skfolio_purges_one_series_as_we_do(n_groups: int, n_test: int, horizon: int, embargo: int) -> None:
    skfolio = pytest.importorskip("skfolio.model_selection")
    n = n_groups * 12
    peer = skfolio.CombinatorialPurgedCV(n_groups, n_test, purged_size=horizon, embargo_size=embargo)
    splits = list(peer.split(np.zeros((n, 1))))
    for groups, (train, test) in zip(cpcv_splits(n_groups, n_test), splits, strict=True):
        ours = purged_split(n, n_groups, groups, horizon, embargo)
        np.testing.assert_array_equal(ours.train, train)
        np.testing.assert_array_equal(ours.test, np.concatenate(test))
    np.testing.assert_array_equal(cpcv_paths(n_groups, n_test).T, peer.recombined_paths)


def test_skfolio_gives_the_remainder_to_the_last_group_and_we_one_to_each_of_the_first() -> None:
    skfolio = pytest.importorskip("skfolio.model_selection")
    _, test = next(iter(skfolio.CombinatorialPurgedCV(4, 2).split(np.zeros((15, 1)))))
    assert [len(group) for group in test] == [3, 3]
    assert len(purged_split(15, 4, [0, 1]).test) == 8


def test_purgedcv_with_labels_that_end_a_moment_later_purges_as_we_do() -> None:
    """Its labels do not include their end, so a label of h + 1 days there is one of h days here."""
    pd, purgedcv = pytest.importorskip("pandas"), pytest.importorskip("purgedcv")
    days = pd.Series(pd.date_range("2024-01-01", periods=62, freq="D"))
    peer = purgedcv.CombinatorialPurgedCV(
        n_splits=5, n_test_groups=2, prediction_times=days, evaluation_times=days + pd.Timedelta(days=3)
    )
    for groups, (train, test) in zip(cpcv_splits(5, 2), peer.split(np.zeros((62, 1))), strict=True):
        ours = purged_split(62, 5, groups, label_horizon=2)
        np.testing.assert_array_equal(ours.train, train)
        np.testing.assert_array_equal(ours.test, test)


def test_purgedcv_trains_on_labels_that_touch_a_test_label() -> None:
    """The day on which a training label ends is the day on which a test label starts; we leave it out, as the book."""
    pd, purgedcv = pytest.importorskip("pandas"), pytest.importorskip("purgedcv")
    days = pd.Series(pd.date_range("2024-01-01", periods=12, freq="D"))
    kept = purgedcv.purge(
        np.array([0, 1, 2, 6, 7, 8, 9, 10, 11]), np.array([3, 4, 5]), days, days + pd.Timedelta(days=1)
    )
    assert kept.tolist() == [0, 1, 2, 6, 7, 8, 9, 10, 11]
    assert purged_split(12, 4, [1], label_horizon=1).train.tolist() == [0, 1, 7, 8, 9, 10, 11]


def panel(n_symbols: int = 5, n_days: int = 240, horizon: int = 5) -> tuple[Rows, Rows]:
    starts = np.repeat(np.arange(n_days), n_symbols)
    return starts, starts + horizon


def count(splits: Any, starts: Rows, ends: Rows) -> int:
    return sum(overlaps(train, np.concatenate(np.atleast_2d(test)), starts, ends) for train, test in splits)


def test_purging_by_rows_leaves_overlaps_on_a_panel_and_purging_by_times_none() -> None:
    skfolio = pytest.importorskip("skfolio.model_selection")
    starts, ends = panel()
    by_rows = skfolio.CombinatorialPurgedCV(6, 2, purged_size=5, embargo_size=0).split(np.zeros((len(starts), 1)))
    segments = time_segments(starts, 6)
    by_times = [purged_split_times(starts, ends, segments[list(groups)]) for groups in cpcv_splits(6, 2)]
    assert count(by_rows, starts, ends) == 600
    assert count([(split.train, split.test) for split in by_times], starts, ends) == 0


def test_purgedcv_leaves_no_overlap_on_a_panel_either() -> None:
    pd, purgedcv = pytest.importorskip("pandas"), pytest.importorskip("purgedcv")
    starts, ends = panel()
    origin = pd.Timestamp("2024-01-01")
    peer = purgedcv.CombinatorialPurgedCV(
        n_splits=6,
        n_test_groups=2,
        prediction_times=pd.Series(origin + pd.to_timedelta(starts, unit="D")),
        evaluation_times=pd.Series(origin + pd.to_timedelta(ends, unit="D")),
    )
    assert count(peer.split(np.zeros((len(starts), 1))), starts, ends) == 0


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize("gap", [0, 2])
def test_skfolio_walks_forward_as_we_do(anchored: bool, gap: int) -> None:
    skfolio = pytest.importorskip("skfolio.model_selection")
    peer = skfolio.WalkForward(test_size=7, train_size=20, expand_train=anchored, purged_size=gap)
    ours = walk_forward(100, 20, 7, gap=gap, anchored=anchored)
    for window, (train, test) in zip(ours, peer.split(np.zeros((100, 1))), strict=True):
        np.testing.assert_array_equal(np.arange(100)[window.train.slice], train)
        np.testing.assert_array_equal(np.arange(100)[window.test.slice], test)


def test_scikit_learn_walks_forward_as_we_do_where_tests_end_with_the_data() -> None:
    sklearn = pytest.importorskip("sklearn.model_selection")
    peer = sklearn.TimeSeriesSplit(n_splits=5, test_size=10, gap=3)
    ours = walk_forward(100, 47, 10, gap=3, anchored=True)
    for window, (train, test) in zip(ours, peer.split(np.zeros((100, 1))), strict=True):
        np.testing.assert_array_equal(np.arange(100)[window.train.slice], train)
        np.testing.assert_array_equal(np.arange(100)[window.test.slice], test)
