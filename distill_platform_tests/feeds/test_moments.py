"""Moments: a time stamp means one moment or none; day and month are never guessed."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.moments import (
    TimeSettings,
    from_nanoseconds,
    nanoseconds,
    read_moment,
    read_moments,
    read_published,
)
from distill_platform.feeds.moments_arrow import arrow_moments
from distill_platform.feeds.rejected import Reason, RowRefused

ISO = TimeSettings()
DAY_FIRST = TimeSettings(format="%d-%m-%Y %H:%M", zone="UTC")
LONDON = TimeSettings(format="%d-%m-%Y %H:%M", zone="Europe/London")


def reason(read: Any, *given: Any) -> Reason:
    with pytest.raises(RowRefused) as caught:
        read(*given)
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reason.MISSING_TIME),
        ("   ", Reason.MISSING_TIME),
        ("5-7-2022 04:24", Reason.AMBIGUOUS_TIME),
        ("07/05/2022", Reason.AMBIGUOUS_TIME),
        ("5.7.22", Reason.AMBIGUOUS_TIME),
        ("2022-07-05 04:24", Reason.AMBIGUOUS_TIME),
        ("2022-07-05", Reason.AMBIGUOUS_TIME),
        ("yesterday", Reason.MALFORMED_TIME),
        ("1657000000", Reason.MALFORMED_TIME),
        ("1969-12-31T23:59:59Z", Reason.MALFORMED_TIME),
        ("9999-12-31T23:59:59Z", Reason.MALFORMED_TIME),
        ("2022-07-05T04:24:00Z\0", Reason.MALFORMED_TIME),
    ],
)
def test_what_is_not_iso_with_a_zone_is_no_moment(text: str, expected: Reason) -> None:
    assert reason(read_moment, text, ISO) is expected


def test_a_declared_zone_settles_stamps_without_one() -> None:
    berlin = TimeSettings(zone="Europe/Berlin")
    assert read_moment("2022-07-05 04:24", berlin) == datetime(2022, 7, 5, 2, 24, tzinfo=UTC)
    assert read_moment("2022-07-05T04:24:00Z", berlin) == datetime(2022, 7, 5, 4, 24, tzinfo=UTC)


def test_the_declared_order_decides_and_is_not_stretched() -> None:
    assert read_moment("5-7-2022 04:24", DAY_FIRST) == datetime(2022, 7, 5, 4, 24, tzinfo=UTC)
    assert reason(read_moment, "7-15-2022 04:24", DAY_FIRST) is Reason.MALFORMED_TIME
    assert reason(read_moment, "2022-07-05T04:24:00Z", DAY_FIRST) is Reason.MALFORMED_TIME


def test_hours_that_clocks_repeat_or_leave_out_are_no_moment() -> None:
    assert reason(read_moment, "31-10-2021 01:30", LONDON) is Reason.AMBIGUOUS_TIME
    assert reason(read_moment, "28-03-2021 01:30", LONDON) is Reason.AMBIGUOUS_TIME
    assert read_moment("31-10-2021 02:30", LONDON) == datetime(2021, 10, 31, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "text"),
    [("s", "1657000000"), ("ms", "1657000000000"), ("us", "1657000000000000"), ("ns", "1657000000" + "0" * 9)],
)
def test_counts_since_1970_are_read_in_the_declared_unit(unit: str, text: str) -> None:
    declared = TimeSettings(format=f"epoch_{unit}")
    assert read_moment(text, declared) == datetime(2022, 7, 5, 5, 46, 40, tzinfo=UTC)
    for wrong in ("-1", "1e9", "9" * 20, "१६५७"):
        assert reason(read_moment, wrong, declared) is Reason.MALFORMED_TIME


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2261, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_every_iso_moment_is_read_as_itself(moment: datetime, offset: int) -> None:
    written = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert read_moment(written.isoformat(), ISO) == written
    assert from_nanoseconds(nanoseconds(written.astimezone(UTC))) == written


def test_one_row_in_the_other_order_puts_all_that_could_be_read_both_ways_in_doubt() -> None:
    texts = ["5-7-2022 04:24", "6-6-2022 04:24", "7-25-2022 04:24", "25-7-2022 04:24"]
    read = read_moments(texts, DAY_FIRST)
    assert {row: refused.reason for row, refused in read.refused.items()} == {
        0: Reason.AMBIGUOUS_TIME,
        2: Reason.MALFORMED_TIME,
    }
    assert set(read_moments(texts[:2] + texts[3:], DAY_FIRST).refused) == set()


def test_an_hour_that_is_repeated_puts_no_order_in_doubt() -> None:
    assert set(read_moments(["31-10-2021 01:30", "5-7-2021 04:24"], LONDON).refused) == {0}


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 05 Jul 2022 04:24:00 GMT",
        "05 Jul 2022 04:24 +0000",
        "Tue, 5 Jul 2022 00:24:00 EDT",
        "Tue, 05 Jul 2022 06:24:00 +0200 (CEST)",
        "2022-07-05T04:24:00Z",
        "2022-07-05T06:24:00+02:00",
    ],
)
def test_web_feeds_may_write_rfc_822_or_iso(text: str) -> None:
    assert read_published(text) == datetime(2022, 7, 5, 4, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue, 05 Jul 2022 04:24:00", Reason.MALFORMED_TIME),
        ("Tue, 05 Jul 2022 04:24:00 -0000", Reason.AMBIGUOUS_TIME),
        ("Tue, 05 Jul 2022 04:24:00 LMT", Reason.AMBIGUOUS_TIME),
        ("Mon, 05 Jul 2022 04:24:00 GMT", Reason.AMBIGUOUS_TIME),
        ("05/07/2022 04:24", Reason.AMBIGUOUS_TIME),
        ("2022-07-05T04:24:00", Reason.AMBIGUOUS_TIME),
        ("Tue, 35 Jul 2022 04:24:00 GMT", Reason.MALFORMED_TIME),
        ("Tue, 05 Foo 2022 04:24:00 GMT", Reason.MALFORMED_TIME),
        ("", Reason.MISSING_TIME),
    ],
)
def test_dates_of_web_feeds_that_say_no_moment_are_refused(text: str, expected: Reason) -> None:
    assert reason(read_published, text) is expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_time_stamp_columns_are_read_in_their_unit(unit: str) -> None:
    moment = datetime(2022, 7, 5, 4, 24, tzinfo=UTC)
    column = pa.chunked_array([pa.array([moment, None], pa.timestamp(unit, tz="Asia/Tokyo"))])
    read = arrow_moments(column, ISO)
    assert from_nanoseconds(read.stamps[0]) == moment
    assert read.refused[1].reason is Reason.MISSING_TIME


def test_columns_without_a_zone_are_ambiguous_until_one_is_declared() -> None:
    naive = pa.chunked_array([pa.array([datetime(2022, 7, 5, 4, 24)], pa.timestamp("ns"))])  # noqa: DTZ001
    days = pa.chunked_array([pa.array([date(2022, 7, 5)])])
    for column in (naive, days):
        assert arrow_moments(column, ISO).refused[0].reason is Reason.AMBIGUOUS_TIME
    assert from_nanoseconds(arrow_moments(days, TimeSettings(zone="UTC")).stamps[0]) == datetime(2022, 7, 5, tzinfo=UTC)


def test_columns_of_numbers_are_counts_when_declared() -> None:
    column = pa.chunked_array([pa.array([1657000000, None, -1])])
    read = arrow_moments(column, TimeSettings(format="epoch_s"))
    assert sorted(read.refused) == [1, 2]
    assert arrow_moments(column, ISO).refused[0].reason is Reason.MALFORMED_TIME


@pytest.mark.parametrize("zone", ["+2", "2", "2026", "0", "+0260", "1200"])
def test_a_number_that_is_no_offset_is_no_zone_of_a_web_feeds_date(zone: str) -> None:
    with pytest.raises(RowRefused) as caught:
        read_published(f"Sun, 19 Apr 2026 12:00:00 {zone}")
    assert caught.value.reason is Reason.AMBIGUOUS_TIME


@pytest.mark.parametrize("layout", ["%d-%m-%Y %I:%M", "%x %H:%M", "%c", "%d-%m-%Y %%z", "100%%"])
def test_a_format_that_could_mean_two_moments_cannot_be_declared(layout: str) -> None:
    with pytest.raises(ValueError, match=r"neither like|says no zone"):
        TimeSettings(format=layout, zone=None if "z" in layout else "UTC")
