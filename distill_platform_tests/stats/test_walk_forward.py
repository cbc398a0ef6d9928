from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from distill_platform.stats.walk_forward import Window, walk_forward
from distill_platform.stats.windows import Span


def spans(windows: tuple[Window, ...]) -> list[tuple[int, int, int, int]]:
    return [(w.train.start, w.train.stop, w.test.start, w.test.stop) for w in windows]


def test_rolling_windows_keep_their_length() -> None:
    assert spans(walk_forward(10, train=4, test=2)) == [(0, 4, 4, 6), (2, 6, 6, 8), (4, 8, 8, 10)]


def test_anchored_windows_grow_from_the_first_observation() -> None:
    assert spans(walk_forward(10, 4, 2, anchored=True)) == [(0, 4, 4, 6), (0, 6, 6, 8), (0, 8, 8, 10)]


def test_a_gap_separates_training_from_test() -> None:
    assert spans(walk_forward(10, 4, 2, gap=1)) == [(0, 4, 5, 7), (2, 6, 7, 9)]
    assert spans(walk_forward(10, 4, 2, gap=1, anchored=True)) == [(0, 4, 5, 7), (0, 6, 7, 9)]


def test_a_step_of_one_tests_every_period_anew() -> None:
    assert spans(walk_forward(7, 4, 2, step=1)) == [(0, 4, 4, 6), (1, 5, 5, 7)]


def test_what_fills_no_whole_test_is_unused() -> None:
    assert spans(walk_forward(9, 4, 2))[-1] == (2, 6, 6, 8)


@given(st.data())
def test_windows_fit_and_no_training_label_reaches_its_test(data: st.DataObject) -> None:
    n, train, test = (data.draw(st.integers(1, high)) for high in (80, 20, 20))
    step = data.draw(st.none() | st.integers(1, 25))
    gap, anchored = data.draw(st.integers(0, 10)), data.draw(st.booleans())
    assume(train + gap + test <= n)
    windows = walk_forward(n, train, test, step, gap, anchored)
    starts = [window.test.start for window in windows]
    assert starts == list(range(train + gap, n - test + 1, step or test))
    for window in windows:
        assert len(window.test) == test
        assert window.test.stop <= n
        assert window.train.start == 0 if anchored else len(window.train) == train
        longest_label_end = window.train.stop - 1 + gap
        assert longest_label_end < window.test.start
    if step is None:
        tested = [row for window in windows for row in range(n)[window.test.slice]]
        assert tested == list(range(train + gap, train + gap + test * len(windows)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((10, 0, 2), "1 or more"),
        ((10, 2, 0), "1 or more"),
        ((10, 2, 2, 0), "1 or more"),
        ((10, 2, 2, None, -1), "gap"),
        ((10, 9, 2), "not one window"),
        ((10, 6, 2, None, 3), "not one window"),
        ((0, 1, 1), "not one window"),
    ],
)
def test_what_cannot_be_walked_is_refused(arguments: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        walk_forward(*arguments)


def test_a_window_never_tests_what_it_trained_on() -> None:
    with pytest.raises(ValueError, match="before training has ended"):
        Window(Span(0, 5), Span(4, 6))
