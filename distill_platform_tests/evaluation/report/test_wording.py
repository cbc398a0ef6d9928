"""Numbers and foreign text, as a report writes them."""

import math
import unicodedata

import pytest
from hypothesis import given, strategies as st

from distill_platform.evaluation.report import measured, wording
from distill_platform.policy.catalogue import CATALOGUE


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


@given(st.sampled_from(sorted(CATALOGUE)), st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text()))
def test_every_metric_is_shown_with_any_value(metric: str, value: object) -> None:
    assert measured.shown(metric, value).isprintable()  # type: ignore[arg-type]
    assert measured.name(metric)


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("returns.max_drawdown", 0.214, "21.4 %"),
        ("returns.max_drawdown", 0.0031, "0.31 %"),
        ("robustness.dsr", 0.31, "0.31"),
        ("sample.data_lag_s", 90_000.0, "1.0 days"),
        ("sample.data_lag_s", 30.0, "30 seconds"),
        ("sample.effective_history_years", 5.43, "5.4 years"),
        ("stress.breakeven_bps", 4.2, "4.2 bps"),
        ("stress.fees_x2.net_sharpe", 0.72, "0.72"),
        ("risk.turnover_annual", math.nan, "not measured"),
        ("invariants.fee_nonzero", True, "yes"),
    ],
)
def test_a_metric_has_the_unit_of_the_catalogue(metric: str, value: float, shown: str) -> None:
    assert measured.shown(metric, value) == shown
