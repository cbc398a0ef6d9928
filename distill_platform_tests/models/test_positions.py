"""Scores become weights by a rule that is bounded, causal and short of memory."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats
from distill_platform.models.positions import SizingSettings, score_panel, target_weights
from distill_platform.strategies.bars import Bars
from distill_platform_tests.models.made_frames import HOUR, MONDAY, made_frame

SCORES = arrays(np.float64, (30, 3), elements=st.one_of(st.floats(-5, 5), st.just(float("nan"))))
TS = MONDAY + HOUR * np.arange(30)


def weights(scores: Floats, ts: Floats = TS, scale: float = 1.0, **settings: float) -> Floats:
    sizing = SizingSettings.model_validate({"hold_bars": 4, "threshold": 0.5, **settings})
    return target_weights(scores, ts[: len(scores)], scale, sizing, HOUR)


@given(SCORES, st.floats(0.1, 1.0))
@settings(deadline=None)
def test_weights_are_bounded_and_zero_where_there_is_no_score(scores: Floats, gross: float) -> None:
    found = weights(scores, max_gross=gross)
    assert (np.abs(found).sum(axis=1) <= gross * (1 + 1e-12)).all()
    assert (found[np.isnan(scores)] == 0.0).all()
    assert np.isfinite(found).all()


@given(SCORES, st.integers(1, 29))
@settings(deadline=None)
def test_a_weight_knows_nothing_later_and_nothing_older_than_the_holding_time(scores: Floats, cut: int) -> None:
    whole = weights(scores)
    assert np.array_equal(weights(scores[:cut]), whole[:cut])
    begin = max(0, cut - 4)
    assert np.array_equal(weights(scores[begin:cut], TS[begin:cut])[-1], whole[cut - 1])


def test_a_score_is_held_for_the_holding_time_in_equal_parts() -> None:
    scores = np.zeros((10, 2))
    scores[2, 0] = 9.0
    expected = np.zeros((10, 2))
    expected[2:6, 0] = 1.0 / 4 / 2
    assert weights(scores) == pytest.approx(expected)


def test_sizes_follow_the_score_up_to_the_scale_and_small_scores_are_not_traded() -> None:
    scores = np.array([[1.0, 0.8, -3.0, 0.4]])
    found = weights(scores, scale=1.0, hold_bars=1)
    assert found == pytest.approx(np.array([[0.25, 0.2, -0.25, 0.0]]))
    assert weights(scores, scale=2.0, hold_bars=1) == pytest.approx(np.array([[0.125, 0.0, -0.25, 0.0]]))


def test_time_counts_and_not_rows_across_an_outage() -> None:
    scores = np.zeros((6, 1))
    scores[2] = 1.0
    ts = MONDAY + HOUR * np.array([0, 1, 2, 3, 40, 41])
    found = weights(scores, ts)
    assert found[:, 0].tolist() == [0.0, 0.0, 0.25, 0.25, 0.0, 0.0]


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scores_in_no_unit_are_not_traded(scale: float) -> None:
    with pytest.raises(ModelError):
        weights(np.ones((3, 1)), scale=scale)


def test_scores_find_their_bar_and_symbol() -> None:
    frame = made_frame(bars=5, symbols=2, horizon=1).features
    usable = np.arange(10) != 3
    frame = type(frame)(frame.ts, frame.symbol, ("B", "A"), frame.names, frame.values, usable, frame.versions)
    bars = Bars(MONDAY + HOUR * np.array([1, 2, 9]), ("A", "B"), np.ones((3, 2)))
    panel = score_panel(frame, np.arange(10.0), bars)
    assert np.array_equal(panel, [[np.nan, 2.0], [5.0, 4.0], [np.nan, np.nan]], equal_nan=True)


def test_scores_of_strange_symbols_or_another_frame_are_refused() -> None:
    frame = made_frame(bars=5, symbols=2, horizon=1).features
    bars = Bars(frame.ts[::2], ("A", "C"), np.ones((5, 2)))
    with pytest.raises(ModelError, match="'B'"):
        score_panel(frame, np.zeros(10), bars)
    with pytest.raises(ModelError, match="do not fit"):
        score_panel(frame, np.zeros(9), bars)


@pytest.mark.parametrize("wrong", [{"max_gross": 1.5}, {"hold_bars": 0}, {"threshold": float("inf")}, {"leverage": 2}])
def test_sizes_nobody_can_mean_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SizingSettings.model_validate(wrong)


@pytest.mark.parametrize("unknown", [np.inf, -np.inf, np.nan])
def test_a_score_that_is_no_number_is_never_traded_at_its_bar_or_later(unknown: float) -> None:
    scores = np.zeros((10, 1))
    scores[3] = unknown
    assert not weights(scores).any()


def test_a_score_of_any_finite_size_is_one_unit_at_most() -> None:
    scores = np.array([[1e300], [-1e300]])
    assert weights(scores, scale=1e-300, hold_bars=1).tolist() == [[1.0], [-1.0]]
