"""An ensemble scores by its policy, in units of its own size, and is read back with its members."""

import numpy as np
import pytest

from distill_platform.core.errors import ModelError
from distill_platform.models.ensemble import ENSEMBLE_FILE, Ensemble, alone, ensemble_from_files
from distill_platform.models.policy import Policy
from distill_platform.models.ridge import Ridge, RidgeSettings, fit_ridge
from distill_platform_tests.models.made_frames import made_frame

FRAME = made_frame(edge=0.5)
FIRST, SECOND = (fit_ridge(FRAME, names, RidgeSettings()) for names in (("x0", "x1"), ("x1", "x2")))


def ensemble(hundredths: int, tabular: Ridge | None = FIRST, network: Ridge | None = SECOND) -> Ensemble:
    return Ensemble(Policy(hundredths), tabular, network, 2.0, 4.0, 0.5)


def test_scores_are_weighted_in_units_of_their_size() -> None:
    first, second = (model.scores(FRAME.features) for model in (FIRST, SECOND))
    expected = (0.25 * first / 2.0 + 0.75 * second / 4.0) / 0.5
    assert ensemble(25).scores(FRAME.features) == pytest.approx(expected)
    assert ensemble(100).scores(FRAME.features) == pytest.approx(first / 2.0 / 0.5)
    assert ensemble(0).scores(FRAME.features) == pytest.approx(second / 4.0 / 0.5)


def test_a_member_without_a_weight_need_not_be_there_and_reads_no_feature() -> None:
    assert ensemble(100, network=None).feature_names == ("x0", "x1")
    assert ensemble(0, tabular=None).feature_names == ("x1", "x2")
    assert ensemble(50).feature_names == ("x0", "x1", "x2")
    for missing in ({"tabular": None}, {"network": None}):
        with pytest.raises(ModelError, match="needs a member"):
            ensemble(50, **missing)


def test_contributions_of_all_members_add_up_to_the_score_less_a_constant() -> None:
    found = ensemble(25)
    rest = found.scores(FRAME.features) - found.contributions(FRAME.features).sum(axis=1)
    assert rest == pytest.approx(rest[0], abs=1e-12)


def test_where_a_member_has_no_score_the_blend_has_none() -> None:
    usable = np.arange(len(FRAME)) != 3
    features = FRAME.rows(np.arange(len(FRAME))).features
    unusable = type(features)(
        features.ts, features.symbol, features.symbols, features.names, features.values, usable, features.versions
    )
    assert np.isnan(ensemble(25).scores(unusable)[3])


def test_one_model_alone_is_scaled_to_its_size() -> None:
    assert alone(FIRST, 2.0).scores(FRAME.features) == pytest.approx(FIRST.scores(FRAME.features) / 2.0)
    assert str(alone(FIRST, 2.0).policy) == "tabular_only"


def test_files_give_it_back_with_its_members() -> None:
    found = ensemble(35)
    again = ensemble_from_files(found.files(), FIRST, SECOND)
    assert again.files() == found.files()
    assert np.array_equal(again.scores(FRAME.features), found.scores(FRAME.features))


@pytest.mark.parametrize(
    "change",
    [
        (b"blend_alpha_0.35", b"blend_alpha_0.5"),
        (b"ensemble/1", b"ensemble/2"),
        (b"0.5", b"0.0"),
        (b"0.5", b"-1"),
        (b"{", b"["),
    ],
)
def test_files_that_are_not_an_ensemble_are_refused(change: tuple[bytes, bytes]) -> None:
    files = {ENSEMBLE_FILE: ensemble(35).files()[ENSEMBLE_FILE].replace(*change)}
    with pytest.raises(ModelError):
        ensemble_from_files(files, FIRST, SECOND)
