"""Gaps: what is missing is found by time; an outage is one that is long or that all symbols share."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.gaps import find_gaps, stale_bars
from distill_platform.feeds.market_bars import MARKET_BARS

START = datetime(2026, 4, 19, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = (START, START + 24 * HOUR)


def bars(**hours: range | list[int]) -> pa.Table:
    rows = [
        {"symbol": symbol, "ts_end": START + hour * HOUR, "volume": 1.0, "source": "s"}
        | dict.fromkeys(("open", "high", "low", "close"), 10.0)
        for symbol, own in hours.items()
        for hour in own
    ]
    return pa.Table.from_pylist(rows, schema=MARKET_BARS).sort_by([("ts_end", "ascending"), ("symbol", "ascending")])


def found(table: pa.Table, symbols: tuple[str, ...], longest: int = 3) -> list[tuple[str, int, int, bool]]:
    gaps = find_gaps(table, symbols, DAY, HOUR, longest)
    return [(gap.symbol, (gap.start - START) // HOUR, gap.missing, gap.is_outage) for gap in gaps]


def test_a_whole_day_has_no_gap() -> None:
    assert found(bars(A=range(1, 25)), ("A",)) == []


def test_a_bar_at_midnight_is_of_the_day_that_it_ends() -> None:
    assert found(bars(A=range(24)), ("A",)) == [("A", 24, 1, False)]


def test_a_symbol_without_any_bar_is_one_long_outage() -> None:
    assert found(bars(A=range(1, 25)), ("A", "B")) == [("B", 1, 24, True)]


def test_a_gap_that_all_symbols_share_is_an_outage_however_short() -> None:
    hours = [hour for hour in range(1, 25) if hour != 7]
    assert found(bars(A=hours, B=hours), ("A", "B")) == [("A", 7, 1, True), ("B", 7, 1, True)]


def test_a_short_gap_of_one_symbol_is_no_outage_even_if_it_is_the_only_symbol() -> None:
    hours = [hour for hour in range(1, 25) if hour not in (7, 8, 9)]
    assert found(bars(A=hours, B=range(1, 25)), ("A", "B")) == [("A", 7, 3, False)]
    assert found(bars(A=hours), ("A",)) == [("A", 7, 3, False)]


def test_a_longer_gap_is_an_outage() -> None:
    hours = [hour for hour in range(1, 25) if hour not in (7, 8, 9, 10)]
    assert found(bars(A=hours), ("A",)) == [("A", 7, 4, True)]


def test_a_span_without_a_whole_bar_has_no_gap() -> None:
    assert find_gaps(bars(), ("A",), (START, START + HOUR / 2), HOUR, 3) == ()
    assert find_gaps(bars(), (), DAY, HOUR, 3) == ()


@given(st.sets(st.integers(1, 24)), st.sets(st.integers(1, 24)))
def test_bars_and_gaps_are_the_whole_day(first: set[int], second: set[int]) -> None:
    gaps = find_gaps(bars(A=sorted(first), B=sorted(second)), ("A", "B"), DAY, HOUR, 3)
    assert sum(gap.missing for gap in gaps) == 48 - len(first) - len(second)
    for gap in gaps:
        assert (gap.end - gap.start) // HOUR + 1 == gap.missing


@pytest.mark.parametrize(
    ("change", "stale"), [({}, False), ({"volume": 0.0}, True), ({"volume": 0.0, "high": 11.0}, False)]
)
def test_a_bar_without_volume_and_movement_is_stale(change: dict[str, float], stale: bool) -> None:
    (row,) = bars(A=[1]).to_pylist()
    assert stale_bars(pa.Table.from_pylist([row | change], schema=MARKET_BARS)).tolist() == [stale]
