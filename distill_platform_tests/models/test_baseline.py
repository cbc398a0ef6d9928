"""Two control arms on bars alone, the same bytes for the same rows."""

import numpy as np
import pytest

from distill_platform.models.baseline import CONTROL_ARMS, BaselineSettings, fit_control_arms
from distill_platform.models.boosting import BoostingSettings
from distill_platform.models.validation.folds import make_folds
from distill_platform.models.validation.settings import ValidationSettings
from distill_platform_tests.models.made_frames import HOUR, made_frame

SETTINGS = BaselineSettings(boosting=BoostingSettings(rounds=10, min_rows_per_leaf=20))


def test_control_arms_are_a_ridge_and_trees_that_see_the_named_features_alone() -> None:
    frame = made_frame(edge=0.5)
    folds = make_folds(frame, ValidationSettings(folds=3, embargo_bars=6), HOUR)
    arms = fit_control_arms(frame, folds, ("x0", "x1"), SETTINGS)
    again = fit_control_arms(frame, folds, ("x0", "x1"), SETTINGS)
    assert tuple(arms) == CONTROL_ARMS
    assert [arm.model.kind for arm in arms.values()] == ["ridge", "lightgbm"]
    for name, arm in arms.items():
        assert arm.model.feature_names == ("x0", "x1")
        assert arm.model.files() == again[name].model.files()
        assert np.isfinite(arm.out_of_fold.mean_rank_ic)


def test_a_feature_that_is_not_there_is_refused() -> None:
    frame = made_frame()
    folds = make_folds(frame, ValidationSettings(folds=3, embargo_bars=6), HOUR)
    with pytest.raises(KeyError):
        fit_control_arms(frame, folds, ("no_such_feature",), SETTINGS)
