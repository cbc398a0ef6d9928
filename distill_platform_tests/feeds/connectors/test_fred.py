"""FRED: an observation is known from the end of its vintage's day on; a revision never earlier."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from distill_platform.core.errors import ConfigError, FeedGarbled
from distill_platform.feeds.connectors.fred import Fred
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Reason
from distill_platform_tests.feeds.connectors.bodies_of import as_json, declared, origin, reasons

KEY = "CPIAUCSL/2026-01-14"
SECRET = "abcdef0123456789abcdef0123456789"
FRED = Fred(declared("fred", series=["CPIAUCSL"], api_key_env="FRED_API_KEY"), {"FRED_API_KEY": SECRET})


def observation(day: str = "2025-12-01", value: Any = "320.5", vintage: Any = "2026-01-14") -> dict[str, Any]:
    return {"realtime_start": vintage, "realtime_end": "9999-12-31", "date": day, "value": value}


def read(*rows: Any, **more: Any) -> Parsed:
    body = as_json({"count": len(rows), "observations": list(rows), **more})
    return FRED.read(body, origin(body, KEY))


def test_an_observation_is_published_at_the_end_of_its_vintages_day_in_st_louis() -> None:
    (row,) = read(observation()).rows.to_pylist()
    assert row["published_at"] == datetime(2026, 1, 15, 6, tzinfo=UTC)
    assert (row["value"], row["kind"], row["entities"]) == (320.5, "macro", ["CPIAUCSL"])
    assert row["title"] == "CPIAUCSL 2025-12-01: 320.5"


def test_a_revision_is_another_report_of_a_later_day() -> None:
    first, revised = read(observation(), observation(value="321.0", vintage="2026-02-11")).rows.to_pylist()
    assert first["available_at"] < revised["available_at"]
    assert first["raw_id"] != revised["raw_id"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (observation(value="."), Reason.MISSING_VALUE),
        (observation(value=""), Reason.MISSING_VALUE),
        (observation(value="NaN"), Reason.NOT_A_NUMBER),
        (observation(value="1,5"), Reason.NOT_A_NUMBER),
        (observation(value=1.5), Reason.MALFORMED_ROW),
        (observation(day="12/01/2025"), Reason.MALFORMED_TIME),
        (observation(vintage="2026-1-14"), Reason.MALFORMED_TIME),
        (observation(vintage=None), Reason.MALFORMED_ROW),
        (observation(vintage="2026-12-31"), Reason.IN_THE_FUTURE),
        ({}, Reason.MALFORMED_ROW),
        ("row", Reason.MALFORMED_ROW),
    ],
)
def test_what_is_no_observation_is_rejected(row: Any, expected: Reason) -> None:
    parsed = read(observation(), row)
    assert reasons(parsed) == {expected: 1}
    assert parsed.rejected[0].place == "observation 2"


def test_a_missing_value_is_rejected_on_the_day_it_would_have_been_known() -> None:
    assert read(observation(value=".")).rejected[0].at == datetime(2026, 1, 15, 6, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"observations": {}}', b'{"observations": [', b"<html/>"])
def test_an_answer_without_observations_is_garbled(body: bytes) -> None:
    with pytest.raises(FeedGarbled):
        FRED.read(body, origin(body, KEY))


def test_an_answer_that_holds_only_some_of_them_is_garbled() -> None:
    with pytest.raises(FeedGarbled, match="1 observations of 2"):
        read(observation(), count=2)


@pytest.mark.parametrize(
    ("day", "delay_s", "vintage"),
    [
        (date(2026, 1, 15), 0.0, "2026-01-14"),
        (date(2026, 7, 15), 0.0, "2026-07-14"),
        (date(2026, 3, 9), 0.0, "2026-03-08"),
        (date(2026, 1, 16), 86_400.0, "2026-01-14"),
        (date(2026, 1, 16), 68_400.0, "2026-01-14"),
    ],
)
def test_a_day_asks_for_the_vintage_that_becomes_known_on_it(day: date, delay_s: float, vintage: str) -> None:
    fred = Fred(declared("fred", series=["A"], api_key_env="K", delay_s=delay_s), {})
    (resource,) = fred.resources(day)
    assert resource.key == f"A/{vintage}"


def test_the_key_is_in_no_resource_until_it_is_asked_for() -> None:
    (resource,) = FRED.resources(date(2026, 1, 15))
    signed = FRED.signed(resource)
    assert isinstance(resource, Resource)
    assert isinstance(signed, Resource)
    assert SECRET not in resource.url
    assert parse_qs(urlsplit(signed.url).query)["api_key"] == [SECRET]
    assert SECRET not in signed.shown
    assert SECRET not in repr(signed)
    assert signed.key == resource.key


@pytest.mark.parametrize("value", [None, "", "a b&c=d", "short"])
def test_without_a_key_the_variable_is_named_and_its_content_is_not(value: str | None) -> None:
    fred = Fred(FRED.feed, {} if value is None else {"FRED_API_KEY": value})
    with pytest.raises(ConfigError, match="FRED_API_KEY") as caught:
        fred.signed(fred.resources(date(2026, 1, 15))[0])
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize("value", ["1.5", "."])
@pytest.mark.parametrize("vintage", ["9999-12-31", "2500-01-01", "2262-04-12", "1600-01-01", "0001-01-01"])
def test_a_vintage_that_no_clock_reaches_is_rejected_and_harms_no_day(vintage: str, value: str) -> None:
    parsed = read(observation(value=value, vintage=vintage), observation())
    assert (parsed.rows.num_rows, reasons(parsed).total()) == (1, 1)
    assert len(parsed.within(0, 2**62).rejected) == 1
