"""Calibration: labels by tenths of the score, with errors that know that neighbouring labels are alike."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.models.report.calibration import GROUPS, calibration_of, clustered_error

RNG = np.random.default_rng(5)


def test_labels_of_a_model_that_knows_something_rise_with_its_scores() -> None:
    scores = RNG.normal(size=5_000)
    found = calibration_of(scores, 0.3 * scores + RNG.normal(size=5_000), np.arange(5_000) // 10)
    assert found is not None
    assert found.labels[-1] - found.labels[0] == pytest.approx(0.3 * (found.scores[-1] - found.scores[0]), abs=0.2)
    assert list(found.scores) == sorted(found.scores)
    assert sum(found.rows) == 5_000
    assert max(found.rows) - min(found.rows) <= 1


def test_rows_without_a_score_or_a_label_are_left_out() -> None:
    scores, labels = RNG.normal(size=400), RNG.normal(size=400)
    scores[:50], labels[50:100] = np.nan, np.inf
    found = calibration_of(scores, labels, np.arange(400))
    assert found is not None
    assert sum(found.rows) == 300


def test_too_few_rows_and_equal_scores_say_nothing() -> None:
    assert calibration_of(RNG.normal(size=99), RNG.normal(size=99), np.arange(99)) is None
    assert calibration_of(np.ones(500), RNG.normal(size=500), np.arange(500)) is None
    assert calibration_of(np.full(500, np.nan), np.ones(500), np.arange(500)) is None


def test_rows_that_are_alike_are_no_more_evidence_than_one() -> None:
    values = RNG.normal(size=200)
    alone = clustered_error(values, np.arange(200))
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(200))
    assert clustered_error(np.repeat(values, 12), np.repeat(np.arange(200), 12)) == pytest.approx(alone)


def test_one_block_has_no_error() -> None:
    assert np.isnan(clustered_error(RNG.normal(size=50), np.zeros(50, dtype=np.int64)))


@given(st.permutations(range(12)), st.floats(-1e3, 1e3), st.floats(0.1, 1e3))
def test_the_error_does_not_depend_on_order_or_level_and_scales(order: list[int], level: float, scale: float) -> None:
    values, blocks = np.sin(np.arange(12.0)), np.arange(12) // 3
    plain = clustered_error(values, blocks)
    assert clustered_error(values[order] * scale + level, blocks[order]) == pytest.approx(scale * plain, rel=1e-6)


def test_the_error_covers_the_truth_as_often_as_it_says() -> None:
    """Overlapping labels in blocks of two horizons: a naive error would be three times too small."""
    horizon, rows, misses = 12, 12 * 200, 0
    for seed in range(200):
        steps = np.random.default_rng(seed).normal(size=rows + horizon)
        labels = np.convolve(steps, np.ones(horizon), "valid")[:rows] / np.sqrt(horizon)
        misses += abs(labels.mean()) > 1.96 * clustered_error(labels, np.arange(rows) // (2 * horizon))
    assert misses / 200 < 0.16


def test_there_are_ten_groups() -> None:
    found = calibration_of(np.arange(100.0), np.arange(100.0), np.arange(100))
    assert found is not None
    assert len(found.labels) == GROUPS == 10
    assert found.labels[0] == pytest.approx(4.5)
