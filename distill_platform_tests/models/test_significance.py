"""A procedure is compared with itself on labels moved in blocks, and noise passes no more often than it should."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core.errors import ConfigError
from distill_platform.core.workers import Workers
from distill_platform.models.significance import (
    NullDistribution,
    SignificanceSettings,
    block_bars,
    null_distribution,
    permuted_labels,
)
from distill_platform.models.teacher import TabularFit, TabularKind, TeacherSettings
from distill_platform.models.validation.folds import make_folds
from distill_platform.models.validation.settings import FoldScheme, ValidationSettings
from distill_platform_tests.models.made_frames import HOUR, made_frame

RIDGE = TabularFit(TeacherSettings(kind=TabularKind.RIDGE))
FEW = SignificanceSettings(permutations=19)


def measured(edge: float, seed: int, scheme: FoldScheme = FoldScheme.PURGED_KFOLD, count: int = 39) -> NullDistribution:
    frame = made_frame(bars=600, features=3, edge=edge, seed=seed, memory=0.97)
    folds = make_folds(frame, ValidationSettings(scheme=scheme, folds=4, embargo_bars=6), HOUR)
    return null_distribution(frame, folds, RIDGE, HOUR, SignificanceSettings(permutations=count))


@pytest.mark.parametrize("scheme", list(FoldScheme))
def test_an_edge_is_significant(scheme: FoldScheme) -> None:
    assert measured(0.8, 1, scheme).p_value == pytest.approx(1 / 40)


def test_noise_is_not_significant() -> None:
    assert np.median([measured(0.0, seed, count=19).p_value for seed in range(7)]) > 0.2


def test_the_null_is_the_same_for_any_number_of_workers() -> None:
    frame = made_frame(bars=400)
    folds = make_folds(frame, ValidationSettings(folds=3, embargo_bars=6), HOUR)
    alone = null_distribution(frame, folds, RIDGE, HOUR, FEW)
    with Workers(2) as workers:
        shared = null_distribution(frame, folds, RIDGE, HOUR, FEW, workers)
    assert np.array_equal(alone.values, shared.values)
    assert alone.observed == shared.observed


@given(seed=st.integers(0, 2**32), number=st.integers(0, 100), symbols=st.integers(1, 4))
@settings(deadline=None)
def test_labels_move_in_blocks_of_time_with_all_symbols_together(seed: int, number: int, symbols: int) -> None:
    frame = made_frame(bars=300, symbols=symbols, features=1)
    moved = permuted_labels(frame, HOUR, 24, seed, number)
    before, after = (part.label.reshape(300, symbols) for part in (frame, moved))
    where = [int(np.flatnonzero(before[:, 0] == value)[0]) if np.isfinite(value) else -1 for value in after[:, 0]]
    assert sorted(value for value in where if value >= 0) == list(range(294))
    jumps = np.flatnonzero((np.diff(where) != 1) & (np.diff(where) != -299))
    assert len(jumps) <= 2 * (300 // 24 + 3)
    known = np.array(where) >= 0
    assert np.array_equal(after[known], before[np.array(where)[known]])
    assert np.array_equal(moved.label_end, frame.label_end)


def test_blocks_are_never_shorter_than_labels_reach() -> None:
    frame = made_frame(bars=2_000, horizon=40)
    assert block_bars(frame, HOUR, SignificanceSettings(min_block_bars=1)) >= 80
    assert block_bars(frame, HOUR, SignificanceSettings(min_block_bars=200)) == 200


def test_a_window_too_short_for_blocks_is_refused() -> None:
    with pytest.raises(ConfigError, match="fewer than 8 blocks"):
        block_bars(made_frame(bars=100), HOUR, SignificanceSettings())


def test_a_missing_bar_keeps_the_calendar() -> None:
    frame = made_frame(bars=400, symbols=2)
    gap = frame.rows((frame.features.ts < frame.features.ts[200]) | (frame.features.ts > frame.features.ts[260]))
    moved = permuted_labels(gap, HOUR, 24, 1, 0)
    assert len(moved) == len(gap)
    assert 0 < np.isfinite(moved.label).sum() <= np.isfinite(gap.label).sum()


def test_a_p_value_is_never_zero_and_unknown_is_one() -> None:
    assert NullDistribution(1.0, np.zeros(19), 24, 0).p_value == 1 / 20
    assert NullDistribution(float("nan"), np.zeros(19), 24, 0).p_value == 1.0


@pytest.mark.slow
def test_noise_is_found_significant_no_more_often_than_the_level_says() -> None:
    p_values = np.array([measured(0.0, seed).p_value for seed in range(300)])
    for level in (0.05, 0.1, 0.25):
        error = np.sqrt(level * (1 - level) / len(p_values))
        assert abs(np.mean(p_values <= level) - level) < 3.0 * error


def test_a_frame_without_rows_is_refused_and_not_a_number() -> None:
    with pytest.raises(ConfigError, match="without rows"):
        block_bars(made_frame().rows(np.array([], dtype=np.int64)), HOUR, SignificanceSettings())
