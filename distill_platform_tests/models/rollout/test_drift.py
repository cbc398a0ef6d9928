"""Drift: features that remember their past do not drift every week, and one that moves away does."""

from dataclasses import replace

import numpy as np
import pytest

from distill_platform.core.errors import RolloutError
from distill_platform.models.frames import FeatureFrame, Floats, FrameVersions
from distill_platform.models.rollout.drift import DriftBounds, calibrate_drift, measure_drift
from distill_platform.models.rollout.settings import DriftSettings

HOUR = 3_600 * 10**9
WEEK = 168 * HOUR
START = 2_900 * WEEK
SETTINGS = DriftSettings()


def frame_of(values: Floats) -> FeatureFrame:
    """Return hourly rows of one symbol."""
    count, width = values.shape
    names = tuple(f"feature{place}" for place in range(width))
    return FeatureFrame(
        START + np.arange(1, count + 1) * HOUR, np.zeros(count, dtype=np.int64), ("BTC",), names, values,
        np.ones(count, dtype=np.bool_), FrameVersions("a", "1", "b", "c"),
    )  # fmt: skip


def remembering(weeks: int, width: int, seed: int, memory: float = 0.9) -> Floats:
    """Return features whose next value is mostly the last one; standard normal at any moment."""
    draws = np.random.default_rng(seed).normal(size=(168 * weeks, width))
    values = draws.copy()
    for row in range(1, len(values)):
        values[row] = memory * values[row - 1] + np.sqrt(1.0 - memory**2) * draws[row]
    return values


def calibrated(values: Floats, weeks: int = 52) -> DriftBounds:
    return calibrate_drift(frame_of(values[: 168 * weeks]), SETTINGS)


def ratio(values: Floats, known: DriftBounds, week: int) -> float:
    return measure_drift(frame_of(values), START + (week + 1) * WEEK, known, SETTINGS).ratio


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.99])
def test_ordinary_weeks_of_twenty_features_seldom_drift(memory: float) -> None:
    alarms, old_alarms = [], []
    for seed in range(4):
        values = remembering(78, 20, seed, memory)
        known = calibrated(values)
        for week in range(53, 78):
            found = measure_drift(frame_of(values), START + (week + 1) * WEEK, known, SETTINGS)
            alarms.append(found.ratio > 1.0)
            old_alarms.append(np.mean([value > 0.25 for value in found.statistics.values()]))
    assert np.mean(alarms) <= 0.04
    assert memory == 0.0 or np.mean(old_alarms) > 0.6


def test_a_feature_that_moves_away_is_found_and_named() -> None:
    found = []
    for seed in range(10):
        values = remembering(54, 20, 100 + seed)
        values[-168:, 7] += 5.0
        reading = measure_drift(frame_of(values), START + 54 * WEEK, calibrated(values), SETTINGS)
        found.append(reading.ratio > 1.0 and reading.feature == "feature7")
    assert np.mean(found) >= 0.9


def test_a_feature_of_which_nothing_is_known_hides_no_other_that_drifts() -> None:
    values = remembering(54, 3, 1, 0.5)
    known = calibrated(values)
    known = replace(known, bounds=np.array([np.nan, *known.bounds[1:]]))
    assert np.isnan(ratio(values, known, 53))
    values[-168:, 1] = 40.0
    assert ratio(values, known, 53) > 1.0


@pytest.mark.parametrize("lost", [np.nan, 40.0, -40.0, np.inf])
def test_a_feature_that_is_lost_or_leaves_all_history_drifts(lost: float) -> None:
    values = remembering(54, 3, 1, 0.5)
    values[-168:, 1] = lost
    reading = measure_drift(frame_of(values), START + 54 * WEEK, calibrated(values), SETTINGS)
    assert (reading.feature, reading.ratio > 1.0) == ("feature1", True)


def test_a_feature_that_never_changed_does_not_drift_until_it_does() -> None:
    values = remembering(54, 2, 1)
    values[:, 1] = 3.0
    known = calibrated(values)
    assert ratio(values, known, 53) < 1.0
    values[-1, 1] = np.nan
    assert ratio(values, known, 53) < 1.0
    values[-168:, 1] = 3.5
    assert ratio(values, known, 53) > 1.0


def test_more_rows_of_the_same_kind_are_no_drift() -> None:
    values = np.tile(np.arange(24.0), 7 * 54)[:, None]
    shorter = frame_of(values).rows(np.arange(168 * 54 - 24))
    reading = measure_drift(shorter, START + 54 * WEEK, calibrated(values), SETTINGS)
    assert reading.statistics["feature0"] == pytest.approx(0.0, abs=1e-12)


def test_too_short_a_history_knows_nothing() -> None:
    values = remembering(21, 2, 1)
    known = calibrated(values, 20)
    assert np.isnan(known.worst)
    assert np.isnan(ratio(values, known, 20))


def test_a_block_without_rows_is_unknown() -> None:
    values = remembering(54, 2, 1)
    assert np.isnan(ratio(values, calibrated(values), 80))
    unusable = frame_of(values)
    unusable.is_usable[-168:] = False
    assert np.isnan(measure_drift(unusable, START + 54 * WEEK, calibrated(values), SETTINGS).ratio)


def test_nothing_to_calibrate_on_and_other_features_are_errors() -> None:
    values = remembering(54, 2, 1)
    with pytest.raises(RolloutError, match="no row"):
        calibrate_drift(frame_of(values[:0]), SETTINGS)
    with pytest.raises(RolloutError, match="other features"):
        measure_drift(frame_of(values[:, :1]), START + WEEK, calibrated(values), SETTINGS)


def test_unusable_rows_are_not_history() -> None:
    values = remembering(54, 1, 1)
    spoiled = values.copy()
    spoiled[::9] = 1e9
    frame = frame_of(spoiled)
    frame.is_usable[::9] = False
    known = calibrate_drift(frame, SETTINGS)
    assert known.edges.max() < 1e3
