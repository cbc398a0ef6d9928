"""A blend is chosen on other folds than it is reported on, and a network that adds nothing is left out."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import LeakError, ModelError
from distill_platform.models.blending import Blend, EnsembleSettings, fit_blend, fit_scale
from distill_platform.models.frames import Floats, TrainingFrame
from distill_platform.models.out_of_fold import OutOfFold, score_out_of_fold
from distill_platform.models.policy import Policy
from distill_platform.models.teacher import TabularFit, TabularKind, TeacherSettings
from distill_platform.models.validation.folds import make_folds
from distill_platform.models.validation.settings import ValidationSettings
from distill_platform_tests.models.made_frames import HOUR, made_frame


@given(st.integers(0, 100))
def test_every_policy_has_one_name_and_is_read_back_from_it(hundredths: int) -> None:
    assert Policy.parse(str(Policy(hundredths))) == Policy(hundredths)


def test_policies_are_called_what_they_are() -> None:
    names = [str(Policy(hundredths)) for hundredths in (100, 0, 35, 5)]
    assert names == ["tabular_only", "nn_only", "blend_alpha_0.35", "blend_alpha_0.05"]


@pytest.mark.parametrize(
    "text",
    ["blend_alpha_0.5", "blend_alpha_0.350", "blend_alpha_.35", "blend_alpha_1.00", "blend_alpha_0.00", "Tabular_only",
     "blend_alpha_0.35\n", "blend_alpha_0.٣٥", ""],
)  # fmt: skip
def test_other_spellings_of_a_policy_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no ensemble policy"):
        Policy.parse(text)


def models(frame: TrainingFrame, *features: str) -> list[OutOfFold]:
    folds = make_folds(frame, ValidationSettings(folds=8, embargo_bars=6), HOUR)
    settings = TeacherSettings(kind=TabularKind.RIDGE)
    return [score_out_of_fold(frame, folds, TabularFit(settings, (feature,))) for feature in features]


def two_edges(seed: int = 0) -> TrainingFrame:
    """Return a frame whose x0 and x1 each say something about the label that the other does not."""
    frame = made_frame(bars=3_000, features=3, edge=0.4, seed=seed, memory=0.5)
    values: Floats = frame.features.values
    label = np.where(np.isfinite(frame.label), frame.label + 0.4 * values[:, 1], np.nan)
    return TrainingFrame(frame.features, label, frame.label_end, frame.horizon_ns)


def blended(frame: TrainingFrame, *features: str) -> Blend:
    return fit_blend(frame, *models(frame, *features), EnsembleSettings())


def test_two_models_that_know_different_things_are_blended() -> None:
    blend = blended(two_edges(), "x0", "x1")
    assert 0 < blend.policy.hundredths < 100
    assert blend.mean_rank_ic > max(
        np.mean([fold.tabular_rank_ic for fold in blend.folds]), np.mean([fold.network_rank_ic for fold in blend.folds])
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_network_that_adds_nothing_is_left_out(seed: int) -> None:
    blend = blended(two_edges(seed), "x0", "x2")
    assert str(blend.policy) == "tabular_only"
    assert blend.scale == pytest.approx(1.0, abs=0.1)


def test_a_tabular_model_that_adds_nothing_is_left_out() -> None:
    assert str(blended(two_edges(1), "x2", "x0").policy) == "nn_only"


def test_a_fold_is_reported_with_what_the_other_folds_chose() -> None:
    frame = two_edges()
    tabular, network = models(frame, "x0", "x1")
    blend = fit_blend(frame, tabular, network, EnsembleSettings())
    label = frame.label.copy()
    rows = tabular.fold == 2
    label[rows] = -label[rows]
    turned = TrainingFrame(frame.features, label, frame.label_end, frame.horizon_ns)
    again = fit_blend(turned, tabular, network, EnsembleSettings())
    assert again.folds[2].policy == blend.folds[2].policy
    assert again.folds[2].rank_ic == pytest.approx(-blend.folds[2].rank_ic)
    assert np.array_equal(again.scores[rows], blend.scores[rows])


def test_scores_of_different_size_are_aligned_first() -> None:
    frame = two_edges()
    tabular, network = models(frame, "x0", "x1")
    larger = OutOfFold(network.scores * 1e6, network.fold, network.folds, network.fits)
    blends = [fit_blend(frame, tabular, found, EnsembleSettings()) for found in (network, larger)]
    assert blends[0].policy == blends[1].policy
    assert blends[1].scores == pytest.approx(blends[0].scores, nan_ok=True)


def test_scores_in_sample_of_other_folds_or_without_content_are_refused() -> None:
    frame = two_edges()
    tabular, network = models(frame, "x0", "x1")
    in_sample = OutOfFold(network.scores, np.full(len(frame), -1), network.folds, network.fits)
    with pytest.raises(LeakError):
        fit_blend(frame, tabular, in_sample, EnsembleSettings())
    folds = make_folds(frame, ValidationSettings(folds=7, embargo_bars=6), HOUR)
    other = score_out_of_fold(frame, folds, TabularFit(TeacherSettings(kind=TabularKind.RIDGE)))
    with pytest.raises(ModelError, match="different folds"):
        fit_blend(frame, tabular, other, EnsembleSettings())
    silent = OutOfFold(np.where(network.fold >= 0, 0.0, np.nan), network.fold, network.folds, network.fits)
    with pytest.raises(ModelError, match="all zero"):
        fit_blend(frame, tabular, silent, EnsembleSettings())


def test_a_scale_is_a_root_mean_square_of_what_is_there() -> None:
    assert fit_scale(np.array([3.0, -4.0, np.nan])) == pytest.approx(np.sqrt(12.5))
    for nothing in (np.array([]), np.array([np.nan]), np.zeros(4)):
        with pytest.raises(ModelError):
            fit_scale(nothing)


@pytest.mark.parametrize("size", [1e-200, 1e200, 1e308])
def test_the_unit_of_scores_of_any_size_is_a_number(size: float) -> None:
    assert fit_scale(np.full(1_000, size)) == pytest.approx(size)
