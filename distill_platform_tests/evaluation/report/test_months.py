"""Months: what a run made by month and by year."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.evaluation.report.months import years
from distill_platform.evaluation.report.view import DailyView
from distill_platform_tests.evaluation.report import views

RETURNS = st.lists(st.one_of(st.floats(-0.5, 0.5), st.floats()), min_size=1, max_size=200)


def daily(first: str, returns: list[float]) -> DailyView:
    days = np.datetime64(first) + np.arange(len(returns))
    return DailyView(days.astype("datetime64[D]"), np.array(returns), np.array(returns))


def test_days_compound_into_months_and_months_into_years() -> None:
    (year,) = years(daily("2024-01-30", [0.1, 0.1, -0.5]))
    assert year.year == 2024
    assert [cell.value if cell else None for cell in year.months[:3]] == [
        pytest.approx(0.21),
        pytest.approx(-0.5),
        None,
    ]
    assert year.total.value == pytest.approx(1.21 * 0.5 - 1)


def test_a_month_without_days_is_empty_and_not_zero() -> None:
    found = years(DailyView(np.array(["2023-11-05", "2024-02-01"], "datetime64[D]"), np.zeros(2), np.zeros(2)))
    assert [year.year for year in found] == [2023, 2024]
    assert [cell is None for cell in found[1].months] == [True, False] + [True] * 10


def test_the_whole_is_the_product_of_its_years() -> None:
    run = views.daily(1360)
    assert math.prod(1 + year.total.value for year in years(run)) == pytest.approx(float(np.prod(1 + run.net)))


def test_the_worst_month_is_darkest_and_the_sign_decides_the_colour() -> None:
    (year,) = years(daily("2024-01-01", [0.0] * 31 + [-0.2] + [0.0] * 28 + [0.05]))
    january, february, march = year.months[:3]
    assert january is not None
    assert february is not None
    assert march is not None
    assert (january.shade, february.shade, march.shade) == (0, -4, 2)


def test_a_run_without_returns_has_no_months() -> None:
    assert years(views.bare(40).daily) == ()


@given(RETURNS)
def test_any_returns_have_months(returns: list[float]) -> None:
    for year in years(daily("2023-12-01", returns)):
        assert all(cell is None or -4 <= cell.shade <= 4 for cell in year.months)
        assert year.total.text
