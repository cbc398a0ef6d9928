"""The student learns from what came after and from a teacher that did not know it, and always the same."""

from dataclasses import replace

import numpy as np
import pytest

from distill_platform.core.errors import LeakError, ModelError
from distill_platform.models.frames import Floats, TrainingFrame
from distill_platform.models.tsmixer.settings import Device, StudentSettings
from distill_platform.models.tsmixer.teaching import TeacherTargets
from distill_platform.models.tsmixer.training import StudentFit, fit_student, student_out_of_fold
from distill_platform_tests.models.tsmixer.panels import (
    HOUR,
    PROOF,
    QUICK,
    before,
    halves,
    labelled,
    panel,
    planted,
    taught,
)

pytest.importorskip("torch")


def fit(frame: TrainingFrame, targets: TeacherTargets | None = None, **changes: object) -> StudentFit:
    settings = QUICK.model_copy(update=changes)
    return fit_student(frame, frame.features.names, settings, HOUR, targets)


def correlation(scores: Floats, other: Floats) -> float:
    known = np.isfinite(scores)
    return float(np.corrcoef(scores[known], other[known])[0, 1])


@pytest.fixture(scope="module")
def frame() -> TrainingFrame:
    return planted(hours=1_000)


@pytest.fixture(scope="module")
def learned(frame: TrainingFrame) -> StudentFit:
    return fit(frame)


def linear_scores(train: TrainingFrame, later: TrainingFrame) -> Floats:
    """Least squares over the features of the last bar."""
    weights = np.linalg.lstsq(train.features.values, train.label, rcond=None)[0]
    scores: Floats = later.features.values @ weights
    return scores


def test_it_learns_a_pattern_that_a_linear_model_of_the_last_bar_cannot_see(
    frame: TrainingFrame, learned: StudentFit
) -> None:
    later = planted(hours=600, seed=77)
    assert abs(correlation(linear_scores(frame, later), later.label)) < 0.1
    assert correlation(learned.student.scores(later.features), later.label) > 0.9


def test_there_is_nothing_to_learn_from_noise(frame: TrainingFrame) -> None:
    noise = replace(frame, label=np.random.default_rng(3).normal(0.0, 1.0, len(frame)))
    later = planted(hours=600, seed=77)
    assert abs(correlation(fit(noise).student.scores(later.features), later.label)) < 0.2


def test_the_curves_fall(learned: StudentFit) -> None:
    assert learned.curve[-1].train < 0.5 * learned.curve[0].train
    assert min(epoch.validation for epoch in learned.curve) == learned.curve[learned.best_epoch - 1].validation


def test_scores_are_in_the_units_of_the_label(frame: TrainingFrame) -> None:
    student = fit(replace(frame, label=50.0 + 1_000.0 * frame.label)).student
    scores = student.scores(frame.features)
    assert np.nanmean(scores) == pytest.approx(50.0, abs=100.0)
    assert np.nanstd(scores) == pytest.approx(1_000.0 * np.sqrt(2.0), rel=0.2)


def test_the_same_seed_gives_the_same_bytes(frame: TrainingFrame, learned: StudentFit) -> None:
    assert fit(frame).student.files() == learned.student.files()


def test_another_seed_gives_others(frame: TrainingFrame, learned: StudentFit) -> None:
    assert fit(frame, seed=1).student.files() != learned.student.files()


def test_one_and_two_threads_give_the_same_bytes(frame: TrainingFrame) -> None:
    import torch

    before = torch.get_num_threads()
    files = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        files.append(fit(frame, epochs=2).student.files())
    torch.set_num_threads(before)
    assert files[0] == files[1]


def test_no_row_is_trained_on_whose_label_touches_what_decides_when_to_stop(
    frame: TrainingFrame, learned: StudentFit
) -> None:
    first = frame.features.ts[learned.stopping_rows].min()
    assert frame.label_end[learned.trained_rows].max() < first
    assert frame.features.ts[learned.stopping_rows].max() == frame.features.ts.max()
    moments = len(np.unique(frame.features.ts[learned.stopping_rows]))
    assert moments == pytest.approx(QUICK.stopping_share * 993, abs=1)


def test_rows_that_must_not_be_trained_on_are_not(frame: TrainingFrame) -> None:
    label = frame.label.copy()
    label[300:330] = np.nan
    usable = np.ones(len(frame), dtype=bool)
    usable[600] = False
    changed = replace(frame, label=label, features=replace(frame.features, is_usable=usable))
    done = fit(changed, epochs=1)
    used = np.concatenate([done.trained_rows, done.stopping_rows])
    assert not np.isin(np.arange(300, 330), used).any()
    assert not np.isin(600 + 3 * np.arange(QUICK.length), used).any()
    assert np.isin(600 + 3 * QUICK.length, used)


def test_what_comes_after_the_rows_that_are_trained_on_changes_nothing(frame: TrainingFrame) -> None:
    rows = np.arange(1_500, dtype=np.int64)
    values = frame.features.values.copy()
    values[1_500:] = 1e6
    label = frame.label.copy()
    label[1_500:] = -1e6
    other = replace(frame, features=replace(frame.features, values=values), label=label)
    one, same = (
        fit_student(each, frame.features.names, QUICK.model_copy(update={"epochs": 2}), HOUR, rows=rows)
        for each in (frame, other)
    )
    assert one.student.files() == same.student.files()


def test_missing_and_infinite_features_and_wild_ones_spoil_nothing(frame: TrainingFrame) -> None:
    values = frame.features.values.copy()
    random = np.random.default_rng(8)
    values[random.random(values.shape) < 0.02] = np.nan
    values[5, 1], values[50, 2], values[500, 3] = np.inf, -np.inf, 1e300
    values[:, 3] = np.where(np.arange(len(values)) % 7 == 0, values[:, 3], np.nan)
    spoiled = replace(frame, features=replace(frame.features, values=values))
    done = fit(spoiled)
    assert np.isfinite(done.student.scores(spoiled.features)[3 * QUICK.length :]).all()
    later = planted(hours=600, seed=77)
    assert correlation(done.student.scores(later.features), later.label) > 0.85


def test_features_that_never_vary_or_are_never_there_count_for_nothing(frame: TrainingFrame) -> None:
    values = frame.features.values.copy()
    values[:, 2], values[:, 3] = 0.1, np.nan
    done = fit(replace(frame, features=replace(frame.features, values=values)))
    values = values[:300].copy()
    first = replace(frame.features.rows(np.arange(300)), values=values)
    other = replace(first, values=values * np.array([1.0, 1.0, 9.0, 9.0]))
    np.testing.assert_array_equal(done.student.scores(first), done.student.scores(other))


def test_the_report_says_how_it_was_trained_and_is_the_same_for_the_same_training(
    frame: TrainingFrame, learned: StudentFit
) -> None:
    report = learned.report
    assert (report["kind"], report["best_epoch"], report["teacher_proof"]) == ("tsmixer", learned.best_epoch, None)
    assert len(report["curve"]) == len(learned.curve)
    assert fit(frame).report_sha256 == learned.report_sha256
    one_epoch = fit(frame, taught(frame, frame.label), epochs=1)
    assert one_epoch.report["teacher_proof"] == PROOF
    assert one_epoch.report_sha256 != learned.report_sha256


# The teacher.


def test_an_in_sample_teacher_is_refused(frame: TrainingFrame) -> None:
    everything = np.arange(len(frame), dtype=np.int64)
    in_sample = TeacherTargets(frame.label, np.zeros(len(frame), dtype=np.int64), (everything,), PROOF)
    with pytest.raises(LeakError, match="3,000 teacher targets of fold 0 are not out of fold"):
        fit(frame, in_sample)


def test_a_teacher_purged_too_little_is_refused(frame: TrainingFrame) -> None:
    targets = taught(frame, frame.label)
    trained_on = np.flatnonzero(frame.features.ts < np.median(frame.features.ts) - HOUR)
    with pytest.raises(LeakError, match="of fold 1 are not out of fold"):
        fit(frame, replace(targets, trained_on=(targets.trained_on[0], trained_on)))


def test_targets_without_a_fold_or_a_proof_are_refused(frame: TrainingFrame) -> None:
    targets = taught(frame, frame.label)
    with pytest.raises(LeakError, match="proof"):
        fit(frame, replace(targets, proof_hash=""))
    for fold in (-1, 2):
        with pytest.raises(LeakError, match="1 teacher targets do not say"):
            fit(frame, replace(targets, fold=np.where(np.arange(len(frame)) == 7, fold, targets.fold)))
    with pytest.raises(LeakError, match="do not fit 3000 rows"):
        fit(frame, replace(targets, scores=targets.scores[:-1]))


def test_a_teacher_without_weight_changes_nothing(frame: TrainingFrame, learned: StudentFit) -> None:
    targets = taught(frame, before(frame.features, 3))
    silent = fit(frame, targets, distill_lambda=0.0).student
    np.testing.assert_array_equal(silent.scores(frame.features), learned.student.scores(frame.features))


def test_the_more_weight_the_teacher_has_the_more_the_student_says_what_it_says(frame: TrainingFrame) -> None:
    other_view = before(frame.features, 3)
    students = [fit(frame, taught(frame, other_view), distill_lambda=weight).student for weight in (0.0, 1.0, 10.0)]
    agreement = [correlation(student.scores(frame.features), other_view) for student in students]
    assert agreement[0] < 0.2 < agreement[1] - 0.2 < agreement[2] - 0.4
    assert agreement[2] > 0.9


def test_a_good_teacher_helps_where_the_truth_is_noisy() -> None:
    noisy, later = planted(hours=400, noise=6.0), planted(hours=600, seed=77)
    truth = before(noisy.features, 5) - before(noisy.features, 2)
    alone, helped = fit(noisy), fit(noisy, taught(noisy, truth), distill_lambda=5.0)
    gains = [correlation(done.student.scores(later.features), later.label) for done in (alone, helped)]
    assert gains[1] > gains[0] + 0.1


def test_rows_that_the_teacher_is_silent_on_count_with_the_truth_alone(
    frame: TrainingFrame, learned: StudentFit
) -> None:
    nothing = taught(frame, np.full(len(frame), np.nan))
    done = fit(frame, nothing)
    assert len(done.taught_rows) == 0
    np.testing.assert_array_equal(done.student.scores(frame.features), learned.student.scores(frame.features))
    half = np.where(frame.features.symbol == 0, before(frame.features, 3), np.nan)
    assert set(frame.features.symbol[fit(frame, taught(frame, half), epochs=1).taught_rows].tolist()) == {0}


# Out of fold.


def test_out_of_fold_scores_find_the_pattern_and_no_label_of_their_own() -> None:
    frame = planted(hours=1_000)
    scores = student_out_of_fold(frame, frame.features.names, QUICK, HOUR, halves(frame)).scores
    assert correlation(scores, frame.label) > 0.75
    train, test = halves(frame)[0]
    label = frame.label.copy()
    label[test] = -label[test]
    turned = student_out_of_fold(replace(frame, label=label), frame.features.names, QUICK, HOUR, [(train, test)]).scores
    np.testing.assert_array_equal(turned[test], scores[test])
    assert np.isnan(np.delete(turned, test)).all()


def test_out_of_fold_students_do_not_hear_from_teachers_that_knew_the_test_labels() -> None:
    frame = planted(hours=400)
    targets, names = taught(frame, before(frame.features, 3)), frame.features.names
    brief = QUICK.model_copy(update={"epochs": 3})
    heard = student_out_of_fold(frame, names, brief, HOUR, halves(frame), targets)
    alone = student_out_of_fold(frame, names, brief, HOUR, halves(frame))
    np.testing.assert_array_equal(heard.scores, alone.scores)
    assert heard.model_sha256 == alone.model_sha256
    assert len(set(heard.model_sha256)) == 2


def test_out_of_fold_students_do_hear_from_teachers_of_earlier_times_only() -> None:
    frame = planted(hours=400)
    third = [np.flatnonzero((frame.features.ts // HOUR - 400_000) // 100 == part) for part in range(4)]
    fold = np.full(len(frame), -1, dtype=np.int64)
    fold[third[1]] = 0
    purged = third[0][: -3 * 3]
    scores = np.where(fold == 0, before(frame.features, 3), np.nan)
    targets = TeacherTargets(scores, fold, (purged,), PROOF)
    kept = targets.unaware_of(frame, third[3])
    np.testing.assert_array_equal(kept.scores, scores)
    assert np.isnan(targets.unaware_of(frame, third[0]).scores).all()


# What cannot be trained.


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ModelError, match="cannot be trained on"):
        fit(planted(hours=QUICK.length))


def test_labels_that_do_not_vary_are_refused() -> None:
    frame = panel(hours=100)
    with pytest.raises(ModelError, match="do not vary"):
        fit(labelled(frame, np.ones(len(frame))))


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ModelError, match="no GPU"):
        fit(planted(hours=100), device=Device.CUDA)


def test_a_feature_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="f9"):
        fit_student(planted(hours=100), ("f0", "f9"), QUICK, HOUR)


@pytest.mark.parametrize(
    "wrong", [{"length": 1}, {"dropout": 1.0}, {"distill_lambda": -0.1}, {"device": "tpu"}, {"norm": "batch"}]
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        StudentSettings.model_validate(wrong)


@pytest.mark.parametrize("claimed", [[], [10**6], [-1]], ids=["none", "strangers", "from the end"])
def test_a_teacher_that_claims_to_be_trained_on_no_row_of_the_frame_is_refused(
    frame: TrainingFrame, claimed: list[int]
) -> None:
    trained_on = np.array(claimed, dtype=np.int64)
    forged = TeacherTargets(frame.label, np.zeros(len(frame), dtype=np.int64), (trained_on,), PROOF)
    with pytest.raises(LeakError, match="no rows, or on others"):
        forged.refuse_in_sample(frame)
