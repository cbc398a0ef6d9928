"""No fold trains on what it is tested by, whatever the panel looks like."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core.errors import ConfigError, LeakError
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.validation.folds import fold_numbers, make_folds, overlapping_rows, refuse_leaks
from distill_platform.models.validation.settings import FoldScheme, ValidationSettings
from distill_platform_tests.models.made_frames import HOUR, made_frame

SCHEMES = list(FoldScheme)


def touching(frame: TrainingFrame, row: int, other: int) -> bool:
    starts, ends = frame.features.ts, frame.label_end
    return bool(starts[row] <= ends[other] and starts[other] <= ends[row])


def validation(folds: int = 4, embargo: int = 6, scheme: FoldScheme = FoldScheme.PURGED_KFOLD) -> ValidationSettings:
    return ValidationSettings(scheme=scheme, folds=folds, embargo_bars=embargo)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 4), horizon=st.integers(1, 9), drop=st.floats(0.0, 0.6))
@settings(max_examples=25, deadline=None)
def test_no_training_label_shares_a_moment_with_a_test_label(
    scheme: FoldScheme, seed: int, symbols: int, horizon: int, drop: float
) -> None:
    whole = made_frame(bars=60, symbols=symbols, features=1, horizon=horizon, seed=seed)
    rng = np.random.default_rng(seed)
    frame = whole.rows(rng.random(len(whole)) >= drop)
    if len(np.unique(frame.features.ts[frame.is_trainable])) < 5:
        return
    for fold in make_folds(frame, validation(embargo=horizon, scheme=scheme), HOUR):
        assert not any(touching(frame, row, test) for row in fold.train for test in fold.test)
        assert frame.is_trainable[fold.train].all()
        assert frame.is_trainable[fold.test].all()
        proof = fold.proof
        left_out = proof.purged_rows + proof.embargoed_rows + proof.later_rows
        assert len(fold.train) + len(fold.test) + left_out == frame.is_trainable.sum()
        assert proof.overlaps == 0


def test_every_trainable_row_is_tested_once_and_one_moment_is_in_one_fold() -> None:
    frame = made_frame(symbols=5)
    folds = make_folds(frame, validation(), HOUR)
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in folds])), np.flatnonzero(frame.is_trainable))
    numbers = fold_numbers(frame, folds)
    for moment in np.unique(frame.features.ts[frame.is_trainable]):
        assert len(set(numbers[(frame.features.ts == moment) & frame.is_trainable])) == 1
    assert (numbers[~frame.is_trainable] == -1).all()


def test_walk_forward_trains_on_the_past_alone() -> None:
    frame = made_frame(symbols=3)
    folds = make_folds(frame, validation(scheme=FoldScheme.WALK_FORWARD), HOUR)
    assert len(folds) == 4
    for fold in folds:
        assert frame.label_end[fold.train].max() < frame.features.ts[fold.test].min()
    assert [len(fold.train) for fold in folds] == sorted(len(fold.train) for fold in folds)


def test_the_embargo_lies_behind_the_last_test_label() -> None:
    frame = made_frame(symbols=2, horizon=6)
    first = make_folds(frame, validation(embargo=10), HOUR)[0]
    last_label = frame.label_end[first.test].max()
    assert frame.features.ts[first.train].min() == last_label + 11 * HOUR
    assert (first.proof.purged_rows, first.proof.embargoed_rows) == (2 * 6, 2 * 10)


def test_an_embargo_shorter_than_the_labels_is_refused() -> None:
    with pytest.raises(ConfigError, match="embargo_bars to 6 or more"):
        make_folds(made_frame(horizon=6), validation(embargo=5), HOUR)


def test_a_fold_made_with_a_short_purge_is_caught_by_the_check() -> None:
    frame = made_frame(symbols=5, horizon=6)
    fold = make_folds(frame, validation(), HOUR)[1]
    purged_too_little = np.flatnonzero(
        frame.is_trainable
        & ((frame.features.ts < fold.start_ns - 3 * HOUR) | (frame.features.ts > fold.end_ns + 6 * HOUR))
    )
    assert overlapping_rows(frame, purged_too_little, fold.test) == 5 * 3
    with pytest.raises(LeakError, match="15 training rows"):
        refuse_leaks(frame, purged_too_little, fold.test, 1)


def test_purging_by_row_leaks_on_a_panel_of_several_symbols() -> None:
    frame = made_frame(symbols=5, horizon=6)
    fold = make_folds(frame, validation(), HOUR)[1]
    rows = np.arange(len(frame))
    by_row = np.flatnonzero(frame.is_trainable & ((rows < fold.test.min() - 6) | (rows > fold.test.max() + 6)))
    with pytest.raises(LeakError):
        refuse_leaks(frame, by_row, fold.test, 1)


def test_a_shuffled_fold_is_caught_by_the_check() -> None:
    frame = made_frame()
    shuffled = np.random.default_rng(0).permutation(np.flatnonzero(frame.is_trainable))
    with pytest.raises(LeakError):
        refuse_leaks(frame, np.sort(shuffled[200:]), np.sort(shuffled[:200]), 0)


def test_a_row_that_is_trained_and_tested_on_is_caught() -> None:
    frame = made_frame()
    with pytest.raises(LeakError, match="its own test rows"):
        refuse_leaks(frame, np.arange(100), np.arange(99, 120), 0)


def test_the_hash_of_the_training_rows_tells_other_rows_from_these() -> None:
    frame = made_frame()
    fold = make_folds(frame, validation(), HOUR)[0]
    again = make_folds(replace(frame, label=frame.label * 2.0), validation(), HOUR)[0]
    other = make_folds(frame, validation(embargo=7), HOUR)[0]
    assert fold.proof.train_sha256 == again.proof.train_sha256 != other.proof.train_sha256


def test_fewer_moments_than_folds_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be cut into 4 stretches"):
        make_folds(made_frame(bars=9, horizon=6), validation(), HOUR)


@pytest.mark.parametrize("reach", [-1, 0, 1, 5, 7])
@pytest.mark.parametrize("embargo", [6, 8])
def test_labels_that_claim_to_be_known_before_their_horizon_are_refused(reach: int, embargo: int) -> None:
    frame = made_frame()
    lying = replace(frame, label_end=frame.features.ts + reach * HOUR)
    with pytest.raises(LeakError, match="the horizon is"):
        make_folds(lying, validation(embargo=embargo), HOUR)


def test_labels_of_no_time_at_all_are_refused() -> None:
    frame = made_frame()
    lying = replace(frame, label_end=frame.features.ts.copy(), horizon_ns=0)
    with pytest.raises(LeakError, match="no earlier"):
        make_folds(lying, validation(embargo=0), HOUR)
