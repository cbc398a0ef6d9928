"""Time: only moments with a zone, in UTC, and days that are written one way."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.utc import ZonelessTimestamp, days_between, from_epoch, iso, parse_day, parse_utc

FIRST, LAST = datetime(1970, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - hypothesis adds the zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.timezones() | st.just(UTC), allow_imaginary=False)


@given(MOMENTS)
def test_every_moment_survives_writing_and_reading(moment: datetime) -> None:
    assert parse_utc(iso(moment)) == moment.astimezone(UTC)
    assert parse_utc(moment.isoformat()) == moment.astimezone(UTC)
    assert iso(moment).endswith("Z")


@pytest.mark.parametrize("text", ["2026-04-20", "2026-04-20T10:00:00", "2026-04-20 10:00", "20260420T100000"])
def test_a_time_stamp_without_a_zone_is_refused_as_such(text: str) -> None:
    with pytest.raises(ZonelessTimestamp, match="no zone"):
        parse_utc(text)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-20T24:00:00Z", "2026-04-20T10:00:60Z",
     "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1745143200", "NaT", "\ud800",
     "2026-04-20T10:00:00Z\0", "9" * 10_000],
)  # fmt: skip
def test_anything_else_is_refused_with_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_utc(text)


def test_an_offset_moves_a_moment_to_its_utc_day() -> None:
    assert iso(parse_utc("2026-04-20T23:30:00-02:00")) == "2026-04-21T01:30:00Z"


@given(st.integers(0, 253_402_300_799))
def test_epochs_count_from_1970_utc(seconds: int) -> None:
    assert from_epoch(seconds).timestamp() == seconds


@pytest.mark.parametrize("seconds", [-1, -0.001, 1e12, 1e300, float("inf"), float("nan")])
def test_an_epoch_out_of_range_is_a_value_error(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_epoch(seconds)


@given(st.dates())
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize("text", ["2026-W17-1", "20260420xx", "20260420", "2026-4-20", "2026-04-20T", "", "../2026-0"])
def test_a_day_written_any_other_way_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a day like"):
        parse_day(text)


def test_days_between_includes_both_ends_and_may_be_empty() -> None:
    assert list(days_between(date(2024, 2, 28), date(2024, 3, 1))) == [
        date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1),
    ]  # fmt: skip
    assert list(days_between(date(2024, 3, 1), date(2024, 2, 1))) == []
