"""Trees are the same on any number of threads, and read back as they were."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from distill_platform.core.errors import ModelError
from distill_platform.models.boosting import (
    FEATURES_FILE,
    TREES_FILE,
    Boosting,
    BoostingSettings,
    boosting_from_files,
    fit_boosting,
)
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.importance import signed_importance
from distill_platform_tests.models.made_frames import made_frame

SETTINGS = BoostingSettings(rounds=20, min_rows_per_leaf=20)


def fitted(frame: TrainingFrame, seed: int = 1, threads: int = 1) -> Boosting:
    return fit_boosting(frame, frame.features.names, SETTINGS, seed, threads)


@pytest.fixture(scope="module")
def frame() -> TrainingFrame:
    return made_frame(bars=1_000, edge=0.5, missing=0.05)


@pytest.fixture(scope="module")
def model(frame: TrainingFrame) -> Boosting:
    return fitted(frame)


def test_one_and_two_threads_give_the_same_bytes(frame: TrainingFrame, model: Boosting) -> None:
    assert fitted(frame, threads=2).files() == model.files()


def test_another_seed_gives_another_model(frame: TrainingFrame, model: Boosting) -> None:
    assert fitted(frame, seed=2).trees != model.trees


def test_files_and_processes_give_back_the_same_scores_to_the_bit(frame: TrainingFrame, model: Boosting) -> None:
    scores = model.scores(frame.features)
    again = boosting_from_files(model.files())
    assert again.files() == model.files()
    assert np.array_equal(again.scores(frame.features), scores)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).scores(frame.features), scores)


def test_a_row_has_the_same_score_alone_and_among_others(frame: TrainingFrame, model: Boosting) -> None:
    scores = model.scores(frame.features)
    alone = [model.scores(frame.features.rows(np.array([row])))[0] for row in range(30)]
    assert np.array_equal(scores[:30], alone)


def test_contributions_add_up_to_the_score_less_a_constant(frame: TrainingFrame, model: Boosting) -> None:
    rest = model.scores(frame.features) - model.contributions(frame.features).sum(axis=1)
    assert model.contributions(frame.features).shape == (len(frame), 4)
    assert rest == pytest.approx(rest[0], abs=1e-12)


def test_importance_has_the_sign_of_the_edge() -> None:
    frame = made_frame(bars=1_000, edge=-0.8)
    importance = signed_importance(fitted(frame).contributions(frame.features), frame.features.values)
    assert importance[0] == min(importance) < 0.0


def test_features_are_found_by_name(frame: TrainingFrame, model: Boosting) -> None:
    order = [2, 0, 3, 1]
    moved = replace(
        frame.features,
        names=tuple(frame.features.names[place] for place in order),
        values=frame.features.values[:, order],
    )
    assert np.array_equal(model.scores(moved), model.scores(frame.features))
    with pytest.raises(KeyError):
        model.scores(replace(moved, names=("x0", "x1", "x2", "y"), values=moved.values))


def test_infinite_counts_as_missing_and_unusable_rows_have_no_score(frame: TrainingFrame, model: Boosting) -> None:
    values = frame.features.values.copy()
    values[0], values[1] = np.inf, np.nan
    usable = np.arange(len(frame)) != 5
    scores = model.scores(replace(frame.features, values=values, is_usable=usable))
    assert scores[0] == scores[1]
    assert np.array_equal(np.isfinite(scores), usable)


def test_no_rows_have_no_scores(frame: TrainingFrame, model: Boosting) -> None:
    nothing = frame.features.rows(np.array([], dtype=np.int64))
    assert model.scores(nothing).shape == (0,)
    assert model.contributions(nothing).shape == (0, 4)


def test_labels_that_do_not_vary_give_a_constant_score(frame: TrainingFrame) -> None:
    flat = fitted(replace(frame, label=np.full(len(frame), 0.25)))
    assert flat.scores(frame.features) == pytest.approx(0.25)
    assert (flat.contributions(frame.features) == 0.0).all()
    assert boosting_from_files(flat.files()).scores(frame.features) == pytest.approx(0.25)


def test_too_few_rows_are_refused(frame: TrainingFrame) -> None:
    with pytest.raises(ModelError, match="39 trainable rows"):
        fitted(frame.rows(np.arange(39)))


def test_files_that_are_not_ours_are_refused(model: Boosting) -> None:
    for broken in ({}, {FEATURES_FILE: b"[]"}, {FEATURES_FILE: b'{"format":"boosting/2","feature_names":[]}'}):
        with pytest.raises(ModelError):
            boosting_from_files({TREES_FILE: model.trees, **broken})
    with pytest.raises(ModelError):
        boosting_from_files({FEATURES_FILE: model.files()[FEATURES_FILE]})
