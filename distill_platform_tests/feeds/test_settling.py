"""Settling: the rows of several bodies are one table, whatever their order, and each of them is accounted for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, strategies as st

from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.lags import lags_s
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.parsed import BAR_ROWS
from distill_platform.feeds.rejected import Reason
from distill_platform.feeds.settling import settle_bars, settle_reports

START = datetime(2026, 4, 19, tzinfo=UTC)
NUMBERS = ("open", "high", "low", "close", "volume")
BARS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from("AB"), st.sampled_from([10.0, 11.0])), max_size=8)


def bar(place: int, hour: int, symbol: str, price: float) -> dict[str, Any]:
    known = {
        "symbol": symbol,
        "ts_end": START + timedelta(hours=hour),
        "source": "s",
        "raw_sha256": "a",
        "place": f"line {place}",
    }
    return known | dict.fromkeys(NUMBERS, price)


def report(place: int, name: str, minute: int) -> dict[str, Any]:
    moment = START + timedelta(minutes=minute)
    told = {"raw_id": name, "published_at": moment, "available_at": moment, "place": f"item {place}", "raw_sha256": "a"}
    words = dict.fromkeys(("source", "outlet", "kind", "title"), "x")
    return told | words | {"entities": [], "tier": 1, "confidence": 1.0}


def tables(rows: list[dict[str, Any]], schema: pa.Schema, cut: int) -> list[pa.Table]:
    return [pa.Table.from_pylist(part, schema=schema) for part in (rows[:cut], rows[cut:])]


@given(BARS, st.integers(0, 8), st.randoms(use_true_random=False))
def test_bars_are_settled_alike_in_any_order_and_none_is_lost(drawn: list[Any], cut: int, dice: Any) -> None:
    rows = [bar(place, *one) for place, one in enumerate(drawn)]
    mixed = dice.sample(rows, len(rows))
    first = settle_bars([("page", table) for table in tables(rows, BAR_ROWS, cut)])
    second = settle_bars([("page", table) for table in tables(mixed, BAR_ROWS, 8 - cut)])
    assert first.rows.equals(second.rows)
    assert first.rejected == second.rejected
    assert first.rows.num_rows + first.deduplicated + len(first.rejected) == len(rows)
    assert first.rows.schema == MARKET_BARS


@given(BARS)
def test_a_bar_is_taken_when_all_that_is_written_of_it_agrees(drawn: list[Any]) -> None:
    written: dict[tuple[int, str], set[float]] = {}
    for hour, symbol, price in drawn:
        written.setdefault((hour, symbol), set()).add(price)
    settled = settle_bars([("page", pa.Table.from_pylist([bar(0, *one) for one in drawn], schema=BAR_ROWS))])
    taken = {((one["ts_end"] - START) // timedelta(hours=1), one["symbol"]) for one in settled.rows.to_pylist()}
    assert taken == {key for key, prices in written.items() if len(prices) == 1}
    assert {row.reason for row in settled.rejected} <= {Reason.CONFLICTING_BARS}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=8), st.randoms(use_true_random=False))
def test_a_report_stays_once_as_it_stands_first(drawn: list[tuple[str, int]], dice: Any) -> None:
    rows = [report(place, f"{name}{minute}", minute) for place, (name, minute) in enumerate(drawn)]
    first = settle_reports(tables(rows, RAW_EVENTS, 3))
    second = settle_reports(tables(dice.sample(rows, len(rows)), RAW_EVENTS, 5))
    assert first.rows.equals(second.rows)
    assert first.rows.num_rows + first.deduplicated == len(rows)
    places = {one["raw_id"]: one["place"] for one in first.rows.to_pylist()}
    assert places == {row["raw_id"]: row["place"] for row in reversed(rows)}


def test_a_lag_is_counted_to_the_first_fetch_that_showed_a_record() -> None:
    table = pa.Table.from_pylist([bar(1, 1, "A", 10.0), bar(2, 2, "A", 10.0)], schema=BAR_ROWS)
    late, early = START + timedelta(hours=3), START + timedelta(hours=2, seconds=5)
    assert lags_s([(late, table), (early, table)]).tolist() == [5.0, 3605.0]
    assert lags_s([]).tolist() == []
