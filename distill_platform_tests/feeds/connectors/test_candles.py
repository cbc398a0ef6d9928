"""Candles: a page of an exchange is bars and rejected rows, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.connectors.candles import Candles
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Reason
from distill_platform_tests.feeds.connectors.bodies_of import as_json, declared, origin, reasons

DAY = date(2026, 4, 19)
KEY = "BTC/1h/2026-04-19/0"
OPEN = 1776556800000  # 2026-04-19T00:00:00Z
HOUR = 3_600_000
FEED = declared("candles", interval="1h", symbols={"BTC": "BTCUSDT"})


def candle(hour: float = 0, **changes: Any) -> list[Any]:
    values = {"open": "10.0", "high": "12.0", "low": "9.0", "close": "11.0", "volume": "5", **changes}
    start = OPEN + int(hour * HOUR)
    return [start, *values.values(), start + HOUR - 1, "0", 3, "0", "0", "0"]


def read(*candles: Any, key: str = KEY, until: datetime | None = None) -> Parsed:
    body = as_json(list(candles))
    return Candles(FEED).read(body, origin(body, key, until) if until else origin(body, key))


def test_a_candle_is_a_bar_that_ends_one_interval_after_it_opened() -> None:
    (bar,) = read(candle()).rows.to_pylist()
    assert bar["ts_end"] == datetime(2026, 4, 19, 1, tzinfo=UTC)
    assert (bar["symbol"], bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"], bar["source"]) == (
        "BTC", 10.0, 12.0, 9.0, 11.0, 5.0, "news",
    )  # fmt: skip
    assert bar["place"] == "candle 1"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("a word", Reason.MALFORMED_ROW),
        ([OPEN, "1"], Reason.MALFORMED_ROW),
        (None, Reason.MALFORMED_ROW),
        (candle(0.5), Reason.OFF_GRID),
        (candle(40), Reason.IN_THE_FUTURE),
        (candle(35.0), Reason.UNFINISHED_BAR),
        (candle(close="nan"), Reason.NOT_A_NUMBER),
        (candle(close="inf"), Reason.NOT_A_NUMBER),
        (candle(close="1e999"), Reason.NOT_A_NUMBER),
        (candle(close="1_1"), Reason.NOT_A_NUMBER),
        (candle(close="11,0"), Reason.NOT_A_NUMBER),
        (candle(close=True), Reason.NOT_A_NUMBER),
        (candle(close=None), Reason.NOT_A_NUMBER),
        (candle(close=[]), Reason.NOT_A_NUMBER),
        (candle(volume="-1"), Reason.NEGATIVE_VOLUME),
        (candle(low="0"), Reason.PRICE_NOT_POSITIVE),
        (candle(low="-9"), Reason.PRICE_NOT_POSITIVE),
        (candle(low="10.5"), Reason.PRICES_CROSSED),
        (candle(high="10.5"), Reason.PRICES_CROSSED),
        ([None, *candle()[1:]], Reason.MISSING_TIME),
        (["soon", *candle()[1:]], Reason.MALFORMED_TIME),
        ([-OPEN, *candle()[1:]], Reason.MALFORMED_TIME),
    ],
)
def test_what_is_no_bar_is_rejected_and_costs_no_other(row: Any, expected: Reason) -> None:
    until = datetime(2026, 4, 20, 11, 59, 59, tzinfo=UTC)
    parsed = read(candle(1), row, candle(2), until=until)
    assert reasons(parsed) == {expected: 1}
    assert parsed.rejected[0].place == "candle 2"
    assert parsed.rows.num_rows == 2


def test_a_candle_that_is_over_at_the_very_moment_of_fetching_is_a_bar() -> None:
    assert read(candle(), until=datetime(2026, 4, 19, 1, tzinfo=UTC)).rows.num_rows == 1
    moment_before = datetime(2026, 4, 19, 1, tzinfo=UTC) - timedelta(microseconds=1)
    assert reasons(read(candle(), until=moment_before)) == {Reason.UNFINISHED_BAR: 1}


def test_a_symbol_that_is_no_longer_declared_has_no_bars() -> None:
    assert reasons(read(candle(), key="ETH/1h/2026-04-19/0")) == {Reason.UNKNOWN_SYMBOL: 1}


def test_an_empty_page_is_no_bars() -> None:
    assert read().rows_in == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b'{"code":-1121,"msg":"Invalid symbol."}', b"<html>", b"[[1,2", b"\xff\xfe", b"[NaN]", b"[" * 10_000],
)
def test_a_page_that_is_no_list_is_garbled(body: bytes) -> None:
    with pytest.raises(FeedGarbled, match=KEY):
        Candles(FEED).read(body, origin(body, KEY))


def test_positions_are_as_declared() -> None:
    fields = {"open_time": 0, "open": 3, "high": 2, "low": 1, "close": 4, "volume": 5}
    feed = declared("candles", interval="1h", symbols={"BTC": "x"}, fields=fields)
    body = as_json([[OPEN, 9.0, 12.0, 10.0, 11.0, 5.0]])
    (bar,) = Candles(feed).read(body, origin(body, KEY)).rows.to_pylist()
    assert (bar["open"], bar["low"]) == (10.0, 9.0)


def test_pages_cover_the_day_once_without_overlap() -> None:
    feed = declared("candles", interval="1m", symbols={"B": "BB", "A": "AA"}, limit=1000)
    pages = Candles(feed).resources(DAY)
    assert [page.key for page in pages] == [f"{name}/1m/2026-04-19/{number}" for name in "AB" for number in (0, 1)]
    asked = [parse_qs(urlsplit(page.url).query) for page in pages if isinstance(page, Resource)]
    assert [int(page["startTime"][0]) for page in asked[:2]] == [OPEN, OPEN + 1000 * 60_000]
    assert [int(page["endTime"][0]) + 1 for page in asked[:2]] == [OPEN + 1000 * 60_000, OPEN + 24 * HOUR]
    assert asked[0]["symbol"] == ["AA"]


VALUES = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
CANDLES = st.lists(VALUES | st.lists(VALUES, max_size=8) | st.integers(0, 30).map(candle), max_size=6)


@given(CANDLES)
def test_no_candle_is_lost_whatever_it_is(rows: list[Any]) -> None:
    parsed = read(*rows)
    reasons(parsed)
    assert parsed.rows_in == len(rows)
