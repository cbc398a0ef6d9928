"""Days: which one a bar belongs to, and what they return."""

import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from distill_platform.stats.daily import DAILY_METHOD, daily_returns_utc, sharpe_daily_annualized, utc_days
from distill_platform.stats.sharpe import sharpe, sharpe_annualized

START = datetime(2024, 1, 1, tzinfo=UTC)
SIX_HOURS = [START + timedelta(hours=6 * (bar + 1)) for bar in range(12)]
RETURNS = [0.01, -0.004, 0.003, 0.002, -0.02, 0.001, 0.004, 0.006, 0.0, 0.007, -0.003, 0.001]
DAY = 86_400 * 10**9


def ends_of(days: list[int], bars: int = 1) -> list[int]:
    """Ends of bars in nanoseconds: some within each of these days."""
    return [day * DAY + DAY // bars * (bar + 1) for day in days for bar in range(bars)]


def test_a_bar_that_ends_at_midnight_is_the_last_of_the_day_before() -> None:
    days = [str(day) for day in utc_days(SIX_HOURS)]
    assert days == ["2024-01-01"] * 4 + ["2024-01-02"] * 4 + ["2024-01-03"] * 4


def test_one_nanosecond_after_midnight_is_the_next_day() -> None:
    ends = ["2024-01-02T00:00:00Z", "2024-01-02T00:00:00.000000001Z", "2024-01-02T00:00:00.0000005Z"]
    assert utc_days(ends).astype(str).tolist() == ["2024-01-01", "2024-01-02", "2024-01-02"]
    assert utc_days([19724 * DAY, 19724 * DAY + 1]).astype(str).tolist() == ["2024-01-01", "2024-01-02"]


def test_days_before_1970_are_counted_downwards() -> None:
    assert utc_days([-DAY, -1, 0, 1]).astype(int).tolist() == [-2, -1, -1, 0]


@pytest.mark.parametrize(
    "ends",
    [
        [moment.isoformat() for moment in SIX_HOURS],
        [moment.isoformat().replace("+00:00", ".000000000Z") for moment in SIX_HOURS],
        [moment.astimezone(timezone(timedelta(hours=-7))) for moment in SIX_HOURS],
        [moment.astimezone(timezone(timedelta(hours=9))).isoformat() for moment in SIX_HOURS],
        np.array([moment.replace(tzinfo=None) for moment in SIX_HOURS], "datetime64[s]"),
        np.array([moment.replace(tzinfo=None) for moment in SIX_HOURS], "datetime64[ns]"),
        [round(moment.timestamp()) * 10**9 for moment in SIX_HOURS],
        pd.DatetimeIndex(SIX_HOURS),
        pd.Series(pd.DatetimeIndex(SIX_HOURS).tz_convert("America/New_York")),
        np.array([moment.isoformat() for moment in SIX_HOURS]),
    ],
    ids=["iso", "iso ns", "datetime", "iso +9", "datetime64[s]", "datetime64[ns]", "int64", "index", "pandas", "text"],
)
def test_all_ways_to_write_the_same_ends_give_the_same_days(ends: Any) -> None:
    expected = [0.01099583576, -0.00918665648, 0.004982979]
    np.testing.assert_allclose(daily_returns_utc(ends, RETURNS), expected, rtol=1e-12)


def test_the_nanoseconds_of_pandas_count() -> None:
    ends = pd.DatetimeIndex(["2024-01-02T00:00:00", "2024-01-02T00:00:00.000000001"], tz="UTC")
    assert utc_days(ends).astype(str).tolist() == ["2024-01-01", "2024-01-02"]


@pytest.mark.parametrize(
    "end",
    ["2024-01-01T06:00:00", START.replace(tzinfo=None), "2024-01-01", "2024-01-01T06:00:00.1234567891Z", "soon", 0.5,
     None, pd.NaT, True, b"2024-01-01T06:00:00Z", np.datetime64("NaT"), np.datetime64("3000-01-01"),
     np.datetime64(1, "ps"), 10**30],
)  # fmt: skip
def test_what_is_no_moment_with_a_zone_is_refused(end: Any) -> None:
    with pytest.raises(ValueError, match=r"ts_end\[0\]"):
        utc_days([end])


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 1]])
def test_bars_are_sorted_and_end_once(order: list[int]) -> None:
    with pytest.raises(ValueError, match=r"ts_end\[1\] is not later"):
        utc_days([SIX_HOURS[bar] for bar in order])


@pytest.mark.parametrize("ends", [[], [[1]], 5])
def test_ends_are_a_series_of_some(ends: Any) -> None:
    with pytest.raises(ValueError, match="ts_end"):
        utc_days(ends)


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, math.nan], [0.1, math.inf], [0.1, -1.1]])
def test_returns_are_one_for_each_bar(returns: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        daily_returns_utc(SIX_HOURS[:2], returns)


def test_days_without_bars_return_nothing_or_are_left_out() -> None:
    ends = ends_of([10, 11, 14])
    assert daily_returns_utc(ends, [0.25, 0.5, -0.5]).tolist() == [0.25, 0.5, 0.0, 0.0, -0.5]
    assert daily_returns_utc(ends, [0.25, 0.5, -0.5], fill_missing=False).tolist() == [0.25, 0.5, -0.5]


def test_summing_adds_and_may_lose_more_than_everything() -> None:
    assert daily_returns_utc(ends_of([1], bars=2), [-0.75, -1.25], compound=False).tolist() == [-2.0]


def test_a_wiped_out_day_returns_minus_one() -> None:
    assert daily_returns_utc(ends_of([1, 2], bars=2), [-1.0, 0.5, 0.25, 0.0]).tolist() == [-1.0, 0.25]


BARS = st.lists(st.tuples(st.integers(1, 5 * 86_400), st.integers(-500, 500)), min_size=1, max_size=60)


@given(BARS)
def test_days_compound_to_what_bars_compound_to(gaps: list[tuple[int, int]]) -> None:
    ends = np.cumsum([seconds for seconds, _ in gaps]) * 10**9
    returns = np.array([step for _, step in gaps]) / 1000
    assert np.prod(1.0 + daily_returns_utc(ends, returns)) == pytest.approx(np.prod(1.0 + returns), rel=1e-12)
    total = daily_returns_utc(ends, returns, compound=False).sum()
    assert total == pytest.approx(returns.sum(), abs=1e-12)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=20), st.integers(1, 8))
def test_splitting_a_day_does_not_change_it(returns: list[float], bars: int) -> None:
    ends = ends_of(list(range(len(returns))), bars)
    parts = np.repeat((1.0 + np.array(returns)) ** (1.0 / bars) - 1.0, bars)
    np.testing.assert_allclose(daily_returns_utc(ends, parts), returns, atol=1e-13)
    np.testing.assert_allclose(
        daily_returns_utc(ends, np.repeat(np.array(returns) / bars, bars), compound=False), returns, atol=1e-13
    )


def test_the_daily_ratio_is_that_of_daily_returns() -> None:
    daily = daily_returns_utc(SIX_HOURS, RETURNS)
    assert sharpe_daily_annualized(SIX_HOURS, RETURNS) == pytest.approx(sharpe_annualized(daily, 365))
    by_trading_days = sharpe_daily_annualized(SIX_HOURS, RETURNS, periods_per_year=252, ddof=0)
    assert by_trading_days == pytest.approx(sharpe(daily, ddof=0) * math.sqrt(252))
    assert DAILY_METHOD == "daily_agg_v1"


def test_stamping_bars_with_their_start_would_be_another_strategy() -> None:
    wrong = [moment + timedelta(microseconds=1) for moment in SIX_HOURS]
    assert sharpe_daily_annualized(SIX_HOURS, RETURNS) == pytest.approx(4.174, abs=1e-3)
    assert sharpe_daily_annualized(wrong, RETURNS) == pytest.approx(3.07, abs=0.01)


def test_days_without_bars_dilute_the_ratio() -> None:
    ends, returns = ends_of([1, 2, 3, 10]), [0.01, 0.02, 0.01, 0.03]
    assert sharpe_daily_annualized(ends, returns) < sharpe_daily_annualized(ends, returns, fill_missing=False)


@pytest.mark.parametrize(("bars", "compound"), [((0.01, 0.02, 0.07), True), ((0.1, 0.2, 0.3), False)])
def test_days_that_differ_by_rounding_only_have_no_ratio(bars: tuple[float, ...], compound: bool) -> None:
    returns = np.concatenate(list(permutations(bars)))
    ends = ends_of(list(range(6)), bars=3)
    assert sharpe(daily_returns_utc(ends, returns, compound=compound)) > 1e14
    assert math.isnan(sharpe_daily_annualized(ends, returns, compound=compound))


@pytest.mark.parametrize("n_days", [1, 2])
def test_constant_days_and_a_single_one_have_no_ratio(n_days: int) -> None:
    assert math.isnan(sharpe_daily_annualized(ends_of(list(range(n_days))), [0.01] * n_days))


def test_a_year_has_a_positive_number_of_days() -> None:
    with pytest.raises(ValueError, match="periods_per_year"):
        sharpe_daily_annualized(SIX_HOURS, RETURNS, periods_per_year=0)
