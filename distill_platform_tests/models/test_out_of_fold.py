"""Scores out of fold can be proved, and those of an in-sample teacher cannot."""

from dataclasses import replace

import numpy as np
import pytest

from distill_platform.core.errors import LeakError
from distill_platform.models.boosting import BoostingSettings
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.out_of_fold import (
    OutOfFold,
    adopt_out_of_fold,
    reproduce_out_of_fold,
    score_out_of_fold,
    verify_out_of_fold,
)
from distill_platform.models.teacher import TabularFit, TabularKind, TeacherSettings, fit_teacher
from distill_platform.models.validation.folds import Fold, make_folds, rows_sha256
from distill_platform.models.validation.settings import FoldScheme, ValidationSettings
from distill_platform.stats import rank_correlation
from distill_platform_tests.models.made_frames import HOUR, made_frame

RIDGE = TabularFit(TeacherSettings(kind=TabularKind.RIDGE))
SETTINGS = ValidationSettings(folds=4, embargo_bars=6)


@pytest.fixture(scope="module")
def frame() -> TrainingFrame:
    return made_frame(edge=0.3)


@pytest.fixture(scope="module")
def folds(frame: TrainingFrame) -> tuple[Fold, ...]:
    return make_folds(frame, SETTINGS, HOUR)


@pytest.fixture(scope="module")
def found(frame: TrainingFrame, folds: tuple[Fold, ...]) -> OutOfFold:
    return score_out_of_fold(frame, folds, RIDGE)


def test_every_row_is_scored_by_a_model_fitted_on_its_folds_training_rows(
    frame: TrainingFrame, folds: tuple[Fold, ...], found: OutOfFold
) -> None:
    assert np.array_equal(found.is_out_of_fold, frame.is_trainable)
    for fold, fit in zip(folds, found.fits, strict=True):
        scores = RIDGE(frame.rows(fold.train)).scores(frame.features)[fold.test]
        assert np.array_equal(found.scores[fold.test], scores)
        assert fit.rank_ic == rank_correlation(scores, frame.label[fold.test])
        assert fit.mse == pytest.approx(np.mean((scores - frame.label[fold.test]) ** 2))


def test_what_is_out_of_fold_verifies_and_comes_out_again(frame: TrainingFrame, found: OutOfFold) -> None:
    verify_out_of_fold(found, frame)
    reproduce_out_of_fold(found, frame, RIDGE)


def test_walk_forward_scores_verify_and_leave_the_first_stretch_without(frame: TrainingFrame) -> None:
    folds = make_folds(frame, ValidationSettings(scheme=FoldScheme.WALK_FORWARD, folds=4, embargo_bars=6), HOUR)
    found = score_out_of_fold(frame, folds, RIDGE)
    verify_out_of_fold(found, frame)
    assert not found.is_out_of_fold[: len(frame) // 6].any()


def test_no_label_of_the_tested_rows_changes_their_scores(
    frame: TrainingFrame, folds: tuple[Fold, ...], found: OutOfFold
) -> None:
    fold = folds[1]
    label = frame.label.copy()
    touched = (frame.features.ts >= fold.start_ns - 6 * HOUR) & (frame.features.ts <= fold.end_ns + 6 * HOUR)
    label[touched & np.isfinite(label)] = 1e6
    again = score_out_of_fold(replace(frame, label=label), folds, RIDGE)
    assert np.array_equal(again.scores[fold.test], found.scores[fold.test])


def test_an_in_sample_teacher_cannot_be_made(frame: TrainingFrame, folds: tuple[Fold, ...]) -> None:
    everything = np.flatnonzero(frame.is_trainable)
    with pytest.raises(LeakError, match="its own test rows"):
        score_out_of_fold(frame, [replace(fold, train=everything) for fold in folds], RIDGE)


def test_an_in_sample_teacher_does_not_verify(frame: TrainingFrame, found: OutOfFold) -> None:
    everything = np.flatnonzero(frame.is_trainable)
    honest_about_rows = replace(found, folds=tuple(replace(fold, train=everything) for fold in found.folds))
    with pytest.raises(LeakError, match="other rows than its proof names"):
        verify_out_of_fold(honest_about_rows, frame)
    without_folds = replace(found, fold=np.full(len(frame), -1))
    with pytest.raises(LeakError, match="of no fold"):
        verify_out_of_fold(without_folds, frame)


def test_scores_of_an_in_sample_model_do_not_come_out_again(frame: TrainingFrame, found: OutOfFold) -> None:
    in_sample = np.where(frame.is_trainable, RIDGE(frame).scores(frame.features), np.nan)
    lying = replace(found, scores=in_sample)
    verify_out_of_fold(lying, frame)
    with pytest.raises(LeakError, match="gives other scores"):
        reproduce_out_of_fold(lying, frame, RIDGE)


def test_scores_of_another_frame_and_of_other_rows_do_not_verify(frame: TrainingFrame, found: OutOfFold) -> None:
    with pytest.raises(LeakError, match="cannot be out of fold"):
        verify_out_of_fold(found, frame.rows(np.arange(10)))
    moved = replace(found, fold=np.where(found.fold == 0, 1, found.fold))
    with pytest.raises(LeakError, match="other rows than those"):
        verify_out_of_fold(moved, frame)
    longer = replace(frame, label_end=frame.label_end + 3 * HOUR)
    with pytest.raises(LeakError):
        verify_out_of_fold(found, longer)


def test_scores_of_other_fits_are_adopted_with_the_folds_they_are_of(
    frame: TrainingFrame, folds: tuple[Fold, ...], found: OutOfFold
) -> None:
    adopted = adopt_out_of_fold(frame, folds[:2], np.where(found.fold >= 0, found.scores, 7.0), "ab" * 32)
    verify_out_of_fold(adopted, frame)
    assert np.array_equal(adopted.is_out_of_fold, np.isin(found.fold, [0, 1]))
    assert [fit.rank_ic for fit in adopted.fits] == [fit.rank_ic for fit in found.fits[:2]]
    with pytest.raises(LeakError):
        adopt_out_of_fold(frame, [replace(folds[0], train=folds[0].test)], found.scores, "ab" * 32)
    with pytest.raises(LeakError, match="cannot be out of fold"):
        adopt_out_of_fold(frame, folds, found.scores[1:], "ab" * 32)


def test_the_proof_changes_with_scores_models_and_rows(
    frame: TrainingFrame, folds: tuple[Fold, ...], found: OutOfFold
) -> None:
    assert score_out_of_fold(frame, folds, RIDGE).proof_sha256 == found.proof_sha256
    others = [
        replace(found, scores=found.scores * 2.0),
        replace(found, fits=(replace(found.fits[0], model_sha256="0" * 64), *found.fits[1:])),
        score_out_of_fold(frame, make_folds(frame, ValidationSettings(folds=4, embargo_bars=7), HOUR), RIDGE),
    ]
    assert len({found.proof_sha256, *(other.proof_sha256 for other in others)}) == 4


def test_a_teacher_reports_its_folds_and_its_last_fit_is_on_all_rows(
    frame: TrainingFrame, folds: tuple[Fold, ...], found: OutOfFold
) -> None:
    teacher = fit_teacher(frame, folds, RIDGE)
    assert teacher.model.files() == RIDGE(frame).files()
    assert teacher.report["proof_sha256"] == found.proof_sha256
    assert [row["overlaps"] for row in teacher.report["folds"]] == [0, 0, 0, 0]
    assert teacher.report_sha256 == fit_teacher(frame, folds, RIDGE).report_sha256
    other = fit_teacher(frame, folds, TabularFit(TeacherSettings(kind=TabularKind.RIDGE), ("x0",)))
    assert other.report_sha256 != teacher.report_sha256


def test_an_edge_is_found_out_of_fold_and_noise_is_not() -> None:
    for edge, low, high in ((0.5, 0.15, 1.0), (0.0, -0.15, 0.15)):
        frame = made_frame(bars=2_000, edge=edge, seed=4)
        mean = score_out_of_fold(frame, make_folds(frame, SETTINGS, HOUR), RIDGE).mean_rank_ic
        assert low < mean < high


def test_nothing_after_the_search_window_reaches_a_model_that_was_fitted_on_it(frame: TrainingFrame) -> None:
    start, end = int(frame.features.ts[0]), int(frame.features.ts[0]) + 300 * HOUR
    later = frame.features.ts >= end - 6 * HOUR
    values = np.where(later[:, None], 1e9, frame.features.values)
    label = np.where(later, -1e9, frame.label)
    changed = replace(frame, features=replace(frame.features, values=values), label=label)
    fits = [RIDGE(rows.between(start, end)).files() for rows in (frame, changed)]
    assert fits[0] == fits[1]


@pytest.mark.slow
def test_trees_find_an_edge_in_noise_by_shuffled_folds_and_none_by_purged_ones() -> None:
    noise = made_frame(bars=4_000, features=4, horizon=24, edge=0.0, seed=5, memory=0.995)
    kept = noise.rows(noise.is_trainable)
    trees = TabularFit(TeacherSettings(boosting=BoostingSettings(rounds=60, min_rows_per_leaf=20)))
    folds = make_folds(kept, ValidationSettings(folds=5, embargo_bars=24), HOUR)
    purged = score_out_of_fold(kept, folds, trees).mean_rank_ic
    parts = np.array_split(np.random.default_rng(0).permutation(len(kept)), 5)
    scores = np.empty(len(kept))
    for part in parts:
        scores[part] = trees(kept.rows(np.setdiff1d(np.arange(len(kept)), part))).scores(kept.rows(part).features)
    assert rank_correlation(scores, kept.label) > 0.4
    assert purged < 0.15


@pytest.mark.parametrize("claimed", [[], [1_000_000], [-1]], ids=["none", "strangers", "from the end"])
def test_a_teacher_that_claims_to_be_fitted_on_no_row_of_the_frame_is_refused(
    frame: TrainingFrame, found: OutOfFold, claimed: list[int]
) -> None:
    train = np.array(claimed, dtype=np.int64)
    proof = replace(found.folds[0].proof, train_sha256=rows_sha256(frame, train[np.abs(train) < len(frame)]))
    forged = replace(found, folds=(replace(found.folds[0], train=train, proof=proof), *found.folds[1:]))
    with pytest.raises(LeakError, match="no rows, or on others"):
        verify_out_of_fold(forged, frame)


def test_scores_of_no_fold_or_with_fewer_models_than_folds_prove_nothing(
    frame: TrainingFrame, found: OutOfFold
) -> None:
    nothing = OutOfFold(np.full(len(frame), np.nan), np.full(len(frame), -1), (), ())
    assert np.isnan(nothing.mean_rank_ic)
    for forged in (nothing, replace(found, fits=found.fits[:-1]), replace(found, folds=(*found.folds, found.folds[0]))):
        with pytest.raises(LeakError, match="folds"):
            verify_out_of_fold(forged, frame)
