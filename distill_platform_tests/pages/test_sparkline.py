"""Sparklines: a line where there are numbers, a gap where there are none."""

import xml.etree.ElementTree as ElementTree

from hypothesis import given, strategies as st

from distill_platform.pages.sparkline import sparkline


@given(st.lists(st.floats(), max_size=40), st.text())
def test_any_values_are_drawn_within_the_frame(values: list[float], label: str) -> None:
    root = ElementTree.fromstring(sparkline(values, "of a source"))
    for line in root.iter("polyline"):
        for point in (line.get("points") or "").split():
            x, y = map(float, point.split(","))
            assert 0.0 <= x <= 150.0
            assert 0.0 <= y <= 30.0


def test_a_day_without_a_number_breaks_the_line() -> None:
    drawn = sparkline([1.0, 2.0, float("nan"), 3.0, 1.0], "x")
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 1


def test_a_day_alone_is_a_dot() -> None:
    assert sparkline([float("nan"), 2.0, float("nan")], "x").count("<circle") == 1
    assert "<polyline" not in sparkline([], "x")


def test_a_label_cannot_leave_its_place() -> None:
    assert "<b>" not in sparkline([1.0], '"><b>')
