from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.windows import Span, StageWindows, stage_windows


def edges(windows: StageWindows) -> list[tuple[int, int]]:
    return [(span.start, span.stop) for span in (windows.search, windows.validation, windows.forward)]


def test_fractions_share_what_the_gaps_leave() -> None:
    assert edges(stage_windows(100)) == [(0, 60), (60, 80), (80, 100)]
    assert edges(stage_windows(110, 0.6, 0.2, 0.2, gap=5)) == [(0, 60), (65, 85), (90, 110)]


def test_sizes_are_counted_back_from_the_newest_observation() -> None:
    assert edges(stage_windows(100, 50, 20, 10, gap=1)) == [(18, 68), (69, 89), (90, 100)]


def test_fractions_may_leave_the_oldest_out() -> None:
    assert edges(stage_windows(100, 0.5, 0.2, 0.2)) == [(10, 60), (60, 80), (80, 100)]


def test_a_span_cuts_arrays() -> None:
    assert np.arange(10)[Span(2, 5).slice].tolist() == [2, 3, 4]
    assert len(Span(2, 5)) == 3


@given(st.integers(1, 500), st.lists(st.integers(1, 100), min_size=3, max_size=3), st.integers(0, 20))
def test_windows_follow_each_other_with_exactly_their_gap(n: int, sizes: list[int], gap: int) -> None:
    if sum(sizes) + 2 * gap > n:
        with pytest.raises(ValueError, match="do not fit"):
            stage_windows(n, *sizes, gap=gap)
        return
    windows = stage_windows(n, *sizes, gap=gap)
    assert [len(windows.search), len(windows.validation), len(windows.forward)] == sizes
    assert windows.validation.start - windows.search.stop == gap
    assert windows.forward.start - windows.validation.stop == gap
    assert windows.forward.stop == n


@given(st.integers(10, 500), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_fractions_that_add_up_to_one_use_everything(n: int, parts: list[int]) -> None:
    shares = [part / sum(parts) for part in parts]
    try:
        windows = stage_windows(n, *shares)
    except ValueError:
        assert min(shares) * n < 2  # rounding left nothing
        return
    assert windows.search.start == 0
    assert windows.forward.stop == n
    for span, share in zip((windows.search, windows.validation, windows.forward), shares, strict=True):
        assert abs(len(span) - share * n) <= 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((100, 0.6, 0.3, 0.2), "at most 1"),
        ((100, 0.6, 0.0, 0.2), "positive"),
        ((100, 0.6, float("nan"), 0.2), "positive"),
        ((100, float("nan"), 0.2, 0.2), "positive"),
        ((100, 60, 0.2, 0.2), "mixture"),
        ((100, 60, 0, 20), "do not fit"),
        ((100, 60, -1, 20), "do not fit"),
        ((100, 60, 20, 21), "do not fit"),
        ((2, 0.6, 0.2, 0.2), "do not fit"),
        ((0, 0.6, 0.2, 0.2), "do not fit"),
        ((10, 0.6, 0.2, 0.2, 5), "do not fit"),
        ((100, 0.6, 0.2, 0.2, -1), "gap"),
    ],
)
def test_windows_that_do_not_fit_are_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        stage_windows(*arguments)


def test_windows_made_by_hand_must_not_overlap_or_run_backwards() -> None:
    with pytest.raises(ValueError, match="begins within"):
        StageWindows(Span(0, 10), Span(9, 20), Span(20, 30))
    with pytest.raises(ValueError, match="begins within"):
        StageWindows(Span(0, 10), Span(20, 30), Span(10, 20))
    assert StageWindows(Span(0, 10), Span(10, 20), Span(25, 30)).forward == Span(25, 30)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 3), (4, 3)])
def test_a_span_is_never_empty(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="span"):
        Span(start, stop)
