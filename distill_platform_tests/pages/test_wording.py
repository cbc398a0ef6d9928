"""Numbers and foreign text, as a report writes them."""

import math
import unicodedata

import pytest
from hypothesis import given, strategies as st

from distill_platform.pages import wording


@pytest.mark.parametrize("write", [wording.ratio, wording.percent, wording.count, wording.probability, wording.signed])
def test_what_is_not_a_number_is_not_measured(write: object) -> None:
    assert write(math.nan) == "not measured"  # type: ignore[operator]
    assert write(math.inf) in ("∞", "+∞")  # type: ignore[operator]
    assert write(-math.inf) == "−∞"  # type: ignore[operator]


@given(st.floats())
def test_any_float_is_written_short(value: float) -> None:
    for write in (wording.ratio, wording.percent, wording.count, wording.probability, wording.years_of_days):
        assert 0 < len(write(value)) < 60


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0.00"), (-0.0, "0.00"), (-0.001, "0.00"), (1.005, "1.00"), (-1.5, "−1.50"), (1234.5, "1,234.50")],
)
def test_zero_has_no_sign_and_minus_is_a_minus(value: float, written: str) -> None:
    assert wording.ratio(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.0004, "< 0.001"), (0.9996, "> 0.999"), (0.9953, "0.995"), (0.5, "0.50"), (1.0, "1.000")]
)
def test_a_probability_is_not_rounded_to_certainty(value: float, written: str) -> None:
    assert wording.probability(value) == written


@given(st.text())
def test_foreign_text_becomes_one_visible_line(text: str) -> None:
    shown = wording.visible(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert wording.visible(text) == text


def test_text_that_turns_the_line_is_shown_as_its_code_point() -> None:
    assert wording.visible("safe\u202egnp") == "safe[U+202E]gnp"
    assert wording.visible("a\nb\x00") == "a[U+000A]b[U+0000]"
