"""A feature that knows the label too well is named, however causal its computation."""

import dataclasses

import numpy as np
import pytest

from distill_platform.models.features.suspicion import suspicious_features
from distill_platform.models.frame_building import build_features, build_training_frame
from distill_platform.models.frames import Flags, Floats, TrainingFrame
from distill_platform.models.labels import LabelSettings
from distill_platform_tests.models.grids import HOUR, SMALL, random_grid

GRID = random_grid(2_000, seed=1)
FRAME = build_training_frame(build_features(GRID, None, SMALL), GRID, LabelSettings(horizon_bars=3, sigma_bars=20))


def with_feature(values: Floats) -> TrainingFrame:
    features = FRAME.features
    wider = np.column_stack([features.values, values])
    return dataclasses.replace(
        FRAME, features=dataclasses.replace(features, names=(*features.names, "planted"), values=wider)
    )


def named(frame: TrainingFrame) -> set[tuple[str, bool]]:
    return {(each.feature, each.is_of_missingness) for each in suspicious_features(frame, 0.3)}


def test_honest_features_on_noise_are_not_suspicious() -> None:
    assert named(FRAME) == set()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_feature_that_came_in_with_the_future_is_named(sign: float) -> None:
    noise = np.random.default_rng(0).normal(0.0, 2.0, len(FRAME))
    leaked = sign * FRAME.label + noise
    found = suspicious_features(with_feature(leaked), 0.3)
    assert [(each.feature, each.is_of_missingness) for each in found] == [("planted", False)]
    assert 0.3 < found[0].rank_correlation * sign < 0.6
    assert found[0].rows == FRAME.is_trainable.sum()


def test_one_that_is_known_only_where_the_label_is_high_is_named_for_that() -> None:
    chance = np.random.default_rng(0).random(len(FRAME))
    assert named(with_feature(np.where(FRAME.label > 0.5, chance, np.nan))) == {("planted", True)}


def test_an_edge_such_as_markets_have_is_not_suspicious() -> None:
    noise = np.random.default_rng(0).normal(0.0, 12.0, len(FRAME))
    assert named(with_feature(FRAME.label + noise)) == set()


def test_the_rank_correlation_is_spearman_s() -> None:
    from scipy.stats import spearmanr

    feature = np.round(FRAME.label + np.random.default_rng(0).normal(0.0, 1.0, len(FRAME)), 1)
    kept = FRAME.is_trainable
    found = suspicious_features(with_feature(feature), 0.3)
    assert found[0].rank_correlation == pytest.approx(spearmanr(feature[kept], FRAME.label[kept]).statistic, abs=1e-12)


def test_a_constant_feature_and_too_few_rows_say_nothing() -> None:
    assert named(with_feature(np.ones(len(FRAME)))) == set()
    assert suspicious_features(with_feature(FRAME.label).rows(np.arange(20)), 0.3) == []


FIVE = random_grid(6_000, ("A", "B", "C", "D", "E"), seed=3)
LONG = build_training_frame(build_features(FIVE, None, SMALL), FIVE, LabelSettings(horizon_bars=3, sigma_bars=20))


def planted_in(rows: Flags, elsewhere: float | None = None) -> set[tuple[str, bool]]:
    """Return what is named when a feature knows the label in some rows, and is noise or a constant in the others."""
    rest = np.random.default_rng(1).normal(size=len(LONG)) if elsewhere is None else np.full(len(LONG), elsewhere)
    values = np.where(rows, LONG.label, rest)
    features = LONG.features
    wider = dataclasses.replace(
        features, names=(*features.names, "planted"), values=np.column_stack([features.values, values])
    )
    return named(dataclasses.replace(LONG, features=wider))


def test_a_leak_of_one_symbol_of_five_is_named() -> None:
    assert planted_in(LONG.features.symbol == 3) == {("planted", False)}


def test_a_leak_of_one_hour_of_the_day_is_named() -> None:
    assert planted_in(LONG.features.ts // HOUR % 24 == 14) == {("planted", False)}


def test_a_leak_where_something_happened_and_nothing_elsewhere_is_named() -> None:
    happened = np.random.default_rng(2).random(len(LONG)) < 0.03
    assert planted_in(happened, elsewhere=0.0) == {("planted", False)}


def test_parts_of_honest_features_are_not_suspicious() -> None:
    nothing = np.zeros(len(LONG), bool)
    assert planted_in(nothing) == planted_in(nothing, elsewhere=0.0) == set()
