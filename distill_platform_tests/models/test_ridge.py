"""A ridge is the textbook's, the same bits everywhere, and read back as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats, TrainingFrame
from distill_platform.models.importance import signed_importance
from distill_platform.models.ridge import RIDGE_FILE, Ridge, RidgeSettings, fit_ridge, ridge_from_files
from distill_platform_tests.models.made_frames import made_frame


def fitted(frame: TrainingFrame, penalty: float = 0.1) -> Ridge:
    return fit_ridge(frame, frame.features.names, RidgeSettings(penalty=penalty))


@pytest.fixture(scope="module")
def frame() -> TrainingFrame:
    return made_frame(edge=0.5, missing=0.05)


def test_it_is_the_solution_of_the_normal_equations() -> None:
    frame = made_frame(edge=0.5, memory=0.0)
    kept = frame.rows(frame.is_trainable)
    values = kept.features.values
    standardized = (values - values.mean(axis=0)) / values.std(axis=0)
    gram = standardized.T @ standardized / len(kept) + 0.3 * np.eye(4)
    expected = np.linalg.solve(gram, standardized.T @ (kept.label - kept.label.mean()) / len(kept))
    model = fitted(frame, penalty=0.3)
    assert model.coefficients[:4] == pytest.approx(expected, abs=1e-12)
    assert (model.coefficients[4:] == 0.0).all()
    assert model.intercept == pytest.approx(kept.label.mean(), abs=1e-12)


def test_files_give_back_the_same_scores_to_the_bit(frame: TrainingFrame) -> None:
    model = fitted(frame)
    again = ridge_from_files(model.files())
    assert np.array_equal(model.scores(frame.features), again.scores(frame.features), equal_nan=True)
    assert again.files() == model.files()


def test_a_row_has_the_same_score_alone_and_among_others(frame: TrainingFrame) -> None:
    model = fitted(frame)
    scores = model.scores(frame.features)
    alone = [model.scores(frame.features.rows(np.array([row])))[0] for row in range(50)]
    assert np.array_equal(scores[:50], alone, equal_nan=True)


def test_contributions_add_up_to_the_score(frame: TrainingFrame) -> None:
    model = fitted(frame)
    total = model.contributions(frame.features).sum(axis=1) + model.intercept
    assert total == pytest.approx(model.scores(frame.features), abs=1e-12)


def test_only_training_rows_standardize_and_impute(frame: TrainingFrame) -> None:
    half = np.zeros(len(frame), dtype=bool)
    half[: len(frame) // 2] = True
    values = frame.features.values.copy()
    values[~half] = 1e6
    other = replace(frame, features=replace(frame.features, values=values, is_usable=half))
    assert fitted(other).files() == fitted(frame.rows(half)).files()


def test_a_missing_feature_counts_by_its_median_and_its_flag(frame: TrainingFrame) -> None:
    model = fitted(frame)
    values = frame.features.values.copy()
    values[0] = np.inf
    values[1] = np.nan
    scores = model.scores(replace(frame.features, values=values))
    assert np.isfinite(scores[0])
    assert scores[0] == scores[1]


def test_rows_that_must_not_be_scored_have_no_score(frame: TrainingFrame) -> None:
    usable = np.arange(len(frame)) % 2 == 0
    scores = fitted(frame).scores(replace(frame.features, is_usable=usable))
    assert np.array_equal(np.isfinite(scores), usable)


def test_one_bad_tick_does_not_decide_over_the_fit(frame: TrainingFrame) -> None:
    values = frame.features.values.copy()
    values[7, 1] = 1e9
    bad = fitted(replace(frame, features=replace(frame.features, values=values)))
    assert bad.coefficients[0] == pytest.approx(fitted(frame).coefficients[0], abs=0.02)


@given(
    arrays(np.float64, (60, 4), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.floats(1e-3, 1e3),
)
@settings(deadline=None)
def test_any_numbers_at_all_give_finite_scores(values: Floats, penalty: float) -> None:
    whole = made_frame(bars=36, symbols=2).rows(np.arange(60))
    model = fitted(replace(whole, features=replace(whole.features, values=values)), penalty)
    scores = model.scores(replace(whole.features, values=values))
    assert np.isfinite(scores).all()


def test_features_that_never_vary_or_are_never_there_count_for_nothing(frame: TrainingFrame) -> None:
    values = frame.features.values.copy()
    values[:, 1] = 0.1
    values[:, 2] = np.nan
    model = fitted(replace(frame, features=replace(frame.features, values=values)))
    assert (model.coefficients[[1, 2]] == 0.0).all()
    assert np.isfinite(model.scores(frame.features)).all()


def test_importance_has_the_sign_of_the_edge() -> None:
    frame = made_frame(edge=-0.5)
    model = fitted(frame)
    importance = signed_importance(model.contributions(frame.features), frame.features.values)
    assert importance[0] < 0.0
    assert abs(importance[0]) == max(np.abs(importance))


def test_too_few_rows_are_refused(frame: TrainingFrame) -> None:
    with pytest.raises(ModelError, match="1 trainable rows"):
        fitted(frame.rows(np.array([0])))


@given(st.data())
def test_files_that_are_not_a_ridge_are_refused(data: st.DataObject) -> None:
    stored = json.loads(fitted(made_frame(bars=50)).files()[RIDGE_FILE])
    key = data.draw(st.sampled_from(sorted(set(stored) - {"penalty", "intercept"})))
    wrong = data.draw(st.sampled_from([[1.0], ["x"], None, "ridge/2", [None]]))
    with pytest.raises(ModelError):
        ridge_from_files({RIDGE_FILE: json.dumps(stored | {key: wrong}).encode()})


def test_no_file_and_no_json_are_refused() -> None:
    for files in ({}, {RIDGE_FILE: b"{"}, {RIDGE_FILE: b'{"format": NaN}'}):
        with pytest.raises(ModelError):
            ridge_from_files(files)
