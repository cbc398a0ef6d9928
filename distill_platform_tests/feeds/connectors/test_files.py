"""Files: a user's own bars and headlines, whatever their state; one bad row costs itself and no other."""

import io
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.connectors.connector import LocalFile
from distill_platform.feeds.connectors.files import Files
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Reason
from distill_platform_tests.feeds.connectors.bodies_of import declared, origin, reasons

HEADER = "ts,open,high,low,close,volume"
ROW = "2026-04-19T{:02d}:00:00Z,10,12,9,11,5"
BARS = {"interval": "1h", "stamp": "end", "symbols": {"BTC": "btc"}}


def files(path: str = "a.csv", bars: Any = BARS, **changes: Any) -> Files:
    return Files(declared("files", path=path, **({"bars": bars} if bars else {}), **changes), Path("/data"))


def read(body: bytes | str, connector: Files | None = None, key: str = "BTC/a.csv") -> Parsed:
    content = body.encode() if isinstance(body, str) else body
    return (connector or files()).read(content, origin(content, key))


def lines(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def stamps(parsed: Parsed) -> list[str]:
    return [f"{moment:%d %H:%M}" for moment in parsed.rows["ts_end"].to_pylist()]


def arrow(kind: str, table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    (pq.write_table if kind == "parquet" else feather.write_feather)(table, buffer)
    return buffer.getvalue()


def hourly(*hours: int, **changes: Any) -> pa.Table:
    count = len(hours)
    columns = {
        "ts": pa.array([datetime(2026, 4, 19, hour, tzinfo=UTC) for hour in hours], pa.timestamp("ns", tz="UTC")),
        **{
            name: [value] * count
            for name, value in zip(HEADER.split(",")[1:], (10.0, 12.0, 9.0, 11.0, 5.0), strict=True)
        },
    }
    return pa.table(columns | changes)


def test_a_csv_holds_bars() -> None:
    (bar,) = read(lines(ROW.format(1))).rows.to_pylist()
    assert (bar["symbol"], bar["ts_end"], bar["place"]) == ("BTC", datetime(2026, 4, 19, 1, tzinfo=UTC), "line 2")


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_arrow_files_hold_bars(kind: str) -> None:
    parsed = read(arrow(kind, hourly(1, 2)), files(f"a.{kind}"))
    assert stamps(parsed) == ["19 01:00", "19 02:00"]
    assert parsed.rows["place"].to_pylist() == ["row 1", "row 2"]


def test_a_bar_stamped_by_its_start_is_over_one_interval_later() -> None:
    assert stamps(read(lines(ROW.format(1)), files(bars=BARS | {"stamp": "start"}))) == ["19 02:00"]


def test_rows_may_come_in_any_order() -> None:
    assert stamps(read(lines(*(ROW.format(hour) for hour in (3, 1, 2))))) == ["19 01:00", "19 02:00", "19 03:00"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2026-04-19T02:00:00Z,10,12,9,11", Reason.MALFORMED_ROW),
        (ROW.format(2) + ",1", Reason.MALFORMED_ROW),
        ('"2026"x,10,12,9,11,5', Reason.MALFORMED_ROW),
        ("a" * 200_000 + ",10,12,9,11,5", Reason.MALFORMED_ROW),
        (",10,12,9,11,5", Reason.MISSING_TIME),
        ("2026-04-19 02:00,10,12,9,11,5", Reason.AMBIGUOUS_TIME),
        ("04-05-2026 02:00,10,12,9,11,5", Reason.AMBIGUOUS_TIME),
        ("2026-04-19T02:30:00Z,10,12,9,11,5", Reason.OFF_GRID),
        ("2026-04-19T02:00:01Z,10,12,9,11,5", Reason.OFF_GRID),
        ("2026-04-20T13:00:00Z,10,12,9,11,5", Reason.UNFINISHED_BAR),
        ("2027-04-20T13:00:00Z,10,12,9,11,5", Reason.IN_THE_FUTURE),
        ("2026-04-19T02:00:00Z,nan,12,9,11,5", Reason.NOT_A_NUMBER),
        ("2026-04-19T02:00:00Z,,12,9,11,5", Reason.NOT_A_NUMBER),
        ("2026-04-19T02:00:00Z,1e400,12,9,11,5", Reason.NOT_A_NUMBER),
        ("2026-04-19T02:00:00Z,-10,12,-10,11,5", Reason.PRICE_NOT_POSITIVE),
        ("2026-04-19T02:00:00Z,10,11,9,12,5", Reason.PRICES_CROSSED),
        ("2026-04-19T02:00:00Z,10,12,9,11,-5", Reason.NEGATIVE_VOLUME),
    ],
)
def test_a_row_that_is_no_bar_is_rejected_beside_its_neighbours(row: str, expected: Reason) -> None:
    parsed = read(lines(ROW.format(1), row, ROW.format(3)))
    assert reasons(parsed) == {expected: 1}
    (rejected,) = parsed.rejected
    assert rejected.place == "line 3"
    assert rejected.at is not None
    assert stamps(parsed) == ["19 01:00", "19 03:00"]


def test_a_row_without_a_time_counts_for_the_day_of_the_row_before_it() -> None:
    parsed = read(lines("x,1,1,1,1,1", ROW.format(1), "torn", ROW.format(2), "torn"))
    assert [(row.place, row.at.hour) for row in parsed.rejected if row.at] == [
        ("line 2", 1),
        ("line 4", 1),
        ("line 6", 2),
    ]


def test_a_file_without_any_time_that_can_be_read_shows_its_rows_on_every_day() -> None:
    parsed = read(lines("5-7-2022 04:00,1,1,1,1,1"))
    assert reasons(parsed) == {Reason.AMBIGUOUS_TIME: 1}
    assert [len(parsed.within(start, start + 1).rejected) for start in (0, 10**18)] == [1, 1]


def test_a_row_that_is_no_utf_8_spoils_no_other() -> None:
    body = lines(ROW.format(1), ROW.format(2)).encode().replace(b"T02", b"T\xff2")
    assert reasons(read(body)) == {Reason.NON_UTF8: 1}


def test_a_byte_order_mark_carriage_returns_and_blank_lines_are_no_data() -> None:
    body = b"\xef\xbb\xbf" + lines(ROW.format(1), "", ROW.format(2)).replace("\n", "\r\n").encode()
    assert stamps(read(body)) == ["19 01:00", "19 02:00"]


def test_a_file_may_be_in_another_encoding_when_that_is_declared() -> None:
    body = lines(ROW.format(1)).encode("utf-16")
    assert stamps(read(body, files(encoding="utf-16"))) == ["19 01:00"]
    for wrong in (None, "utf-32", "iso-8859-99"):
        with pytest.raises(FeedGarbled):
            read(body, files(encoding=wrong))


def test_a_quote_that_never_closes_costs_the_rows_that_it_swallows_and_says_so() -> None:
    parsed = read(lines(ROW.format(1), '"' + ROW.format(2), ROW.format(3)))
    assert stamps(parsed) == ["19 01:00"]
    assert "lines 3 to 4" in parsed.rejected[0].detail


def test_a_small_parquet_file_of_very_many_rows_is_not_unpacked() -> None:
    table = pa.table({"ts": pa.nulls(20_000_001, pa.int8())})
    body = arrow("parquet", table)
    assert len(body) < 1_000_000
    with pytest.raises(FeedGarbled, match="more than 20,000,000 rows"):
        read(body, files("a.parquet"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no header"),
        (b"\n\n", "no header"),
        (b"ts,open,high,low,close,volumes\n", "Did you mean 'volumes'"),
        (b"ts,open,high,low,close,volume,open\n", "twice the column 'open'"),
        (b"\x00\x01\x02", "no column"),
        (b"ts;open;high;low;close;volume\n", "no column"),
    ],
)
def test_a_csv_without_the_columns_is_garbled(body: bytes, said: str) -> None:
    with pytest.raises(FeedGarbled, match=said):
        read(body)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
@pytest.mark.parametrize("cut", [0, 10, -20])
def test_arrow_files_that_are_cut_off_or_altered_are_garbled(kind: str, cut: int) -> None:
    with pytest.raises(FeedGarbled):
        read(arrow(kind, hourly(1))[:cut], files(f"a.{kind}"))
    with pytest.raises(FeedGarbled):
        read(lines(ROW.format(1)), files(f"a.{kind}"))


def test_columns_of_arrow_files_may_hold_anything() -> None:
    table = hourly(1, 2, 3, close=["11", None, "x"], open=pa.array([10, None, 10]), volume=[True, True, True])
    parsed = read(arrow("parquet", table), files("a.parquet"))
    assert reasons(parsed) == {Reason.NOT_A_NUMBER: 3}
    good = hourly(1, close=["11"], open=pa.array([10]))
    assert read(arrow("parquet", good), files("a.parquet")).rows.num_rows == 1
    wrong = hourly(1, 2, close=pa.array([float("nan"), None]))
    assert reasons(read(arrow("parquet", wrong), files("a.parquet"))) == {Reason.NOT_A_NUMBER: 2}


def test_several_symbols_may_share_a_file() -> None:
    bars = BARS | {"symbols": {"BTC": "btc", "ETH": "eth"}, "columns": {"symbol": "name"}}
    rows = [f"{ROW.format(1)},{name}" for name in ("eth", "btc", "doge", "")]
    parsed = read("\n".join([f"{HEADER},name", *rows]), files(bars=bars), key="-/a.csv")
    assert parsed.rows["symbol"].to_pylist() == ["BTC", "ETH"]
    assert reasons(parsed) == {Reason.UNKNOWN_SYMBOL: 2}


def test_each_symbol_may_have_a_file_of_its_own() -> None:
    connector = files("m/{symbol}.csv", BARS | {"symbols": {"ETH": "eth", "BTC": "btc"}})
    wanted = connector.resources(date(2026, 4, 19))
    assert wanted == (
        LocalFile("news", "BTC/m/btc.csv", Path("/data/m/btc.csv")),
        LocalFile("news", "ETH/m/eth.csv", Path("/data/m/eth.csv")),
    )


def headlines(**columns: str) -> Files:
    time = {"format": "%d-%m-%Y %H:%M", "zone": "UTC"}
    held = {"columns": {"time": "date", "title": "title", **columns}, "outlet": "Wire"}
    return files(bars=None, headlines=held, time=time, separator=";", delay_s=60.0)


def test_headlines_are_read_as_declared() -> None:
    body = 'date;who;title;url;tone\n5-7-2022 04:24;Paper;"Up; down";https://a.b/1;0.5\n6-7-2022 04:24;;Down;x;7\n'
    parsed = read(body, headlines(outlet="who", url="url", tone="tone"), key="-/a.csv")
    first, second = parsed.rows.to_pylist()
    assert first["published_at"] == datetime(2022, 7, 5, 4, 24, tzinfo=UTC)
    assert first["available_at"] == datetime(2022, 7, 5, 4, 25, tzinfo=UTC)
    assert (first["outlet"], first["title"], first["url"], first["tone"]) == ("Paper", "Up; down", "https://a.b/1", 0.5)
    assert (second["outlet"], second["url"], second["tone"]) == ("Wire", None, None)


def test_headlines_written_month_first_under_a_day_first_declaration_are_not_misread() -> None:
    rows = ["7-5-2022 04:24;A", "7-15-2022 04:24;B", "8-8-2022 04:24;C", ";D", "9-9-2022 04:24;"]
    parsed = read("\n".join(["date;title", *rows]), headlines(), key="-/a.csv")
    assert parsed.rows["title"].to_pylist() == ["C"]
    assert reasons(parsed) == {
        Reason.AMBIGUOUS_TIME: 1,
        Reason.MALFORMED_TIME: 1,
        Reason.MISSING_TIME: 1,
        Reason.MISSING_TITLE: 1,
    }


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12))))
def test_no_record_is_lost_whatever_it_holds(records: list[list[str]]) -> None:
    rows = [",".join(f'"{field.replace(chr(34), chr(34) * 2)}"' for field in record) or "x" for record in records]
    parsed = read(lines(ROW.format(1), *rows))
    reasons(parsed)
    assert parsed.rows_in == len(records) + 1


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_rows_or_an_error_of_ours(body: bytes) -> None:
    for connector in (files(), files("a.parquet"), files("a.feather")):
        try:
            reasons(read(HEADER.encode() + b"\n" + body, connector))
        except FeedGarbled:
            continue


def stored_as(kind: pa.DataType, *values: int) -> pa.Array:
    """An array of whatever the numbers mean in that type, however far they are out of its range."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.array(values, pa.int64()).buffers()[1]])


@pytest.mark.parametrize(
    ("was", "lies"),
    [((0, 3, 6), (0, 3, 2**30)), ((0, 3, 6), (0, -(2**30), 6)), ((0, 3, 6), (0, 6, 3))],
)
def test_a_feather_file_whose_offsets_lead_beyond_it_is_garbled_and_kills_nobody(was: Any, lies: Any) -> None:
    buffer = io.BytesIO()
    feather.write_feather(hourly(1, 2).append_column("who", [["btc", "btc"]]), buffer, compression="uncompressed")
    body, honest = buffer.getvalue(), struct.pack("<iii", *was)
    assert honest in body
    own = files("a.feather", bars=BARS | {"columns": {"symbol": "who"}})
    with pytest.raises(FeedGarbled, match="it cannot be read"):
        read(body.replace(honest, struct.pack("<iii", *lies)), own)


def test_a_dictionary_whose_indices_lead_beyond_it_is_garbled() -> None:
    who = pa.DictionaryArray.from_arrays(pa.array([0, 5], pa.int32()), pa.array(["btc"]), safe=False)
    own = files("a.feather", bars=BARS | {"columns": {"symbol": "who"}})
    with pytest.raises(FeedGarbled, match="it cannot be read"):
        read(arrow("feather", hourly(1, 2).append_column("who", [who])), own)


@pytest.mark.parametrize(
    "ts",
    [
        stored_as(pa.timestamp("us"), 2**62, 2**62),
        stored_as(pa.timestamp("s"), 10**17, 10**17),
        stored_as(pa.duration("s"), 2**62, 2**62),
        pa.array([2**31 - 1] * 2, pa.int32()).cast(pa.date32()),
        stored_as(pa.timestamp("us", tz="Mars/Olympus"), 1, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("noted", [False, True])
def test_arrow_values_that_python_cannot_show_are_rows_or_rejected_ones(ts: pa.Array, noted: bool) -> None:
    table = hourly(1, 2)
    table = table.append_column("note", ts) if noted else table.set_column(0, "ts", ts)
    table = table.set_column(4, "close", pa.array([-1.0, 11.0]))
    parsed = read(arrow("feather", table), files("a.feather"))
    assert reasons(parsed).total() == (1 if noted else 2)


def test_text_that_is_no_utf_8_in_an_arrow_file_makes_it_garbled() -> None:
    raw = pa.array([b"btc", b"\xff"], pa.binary())
    who = pa.StringArray.from_buffers(2, *raw.buffers()[1:])
    with pytest.raises(FeedGarbled, match="UTF8"):
        read(arrow("feather", hourly(1, 2).append_column("who", [who])), files("a.feather"))


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_prices_may_be_decimals_or_encoded_as_a_dictionary(kind: str) -> None:
    decimal, encoded = pa.array([Decimal("11.00")] * 2), pa.array([11.0, 11.0]).dictionary_encode()
    for close in (decimal, encoded):
        assert read(arrow(kind, hourly(1, 2).set_column(4, "close", close)), files(f"a.{kind}")).rows.num_rows == 2


def test_a_small_feather_file_of_very_many_rows_is_not_unpacked() -> None:
    count = 21_000_000
    table = pa.table({name: pa.repeat(pa.scalar(0, pa.int8()), count) for name in HEADER.split(",")})
    buffer = io.BytesIO()
    feather.write_feather(table, buffer, compression="zstd")
    assert len(buffer.getvalue()) < 500_000
    with pytest.raises(FeedGarbled, match="more than 20,000,000 rows"):
        read(buffer.getvalue(), files("a.feather"))


def test_a_long_text_that_a_parquet_file_repeats_takes_its_room_once() -> None:
    count = 50_000
    note = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array(["x" * 200_000]))
    table = pa.table({name: pa.repeat(pa.scalar(0.0), count) for name in HEADER.split(",")[1:]})
    ts = pa.repeat(pa.scalar(datetime(2026, 4, 19, 1, tzinfo=UTC), pa.timestamp("us", "UTC")), count)
    table = table.append_column("ts", ts).append_column("note", note)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, store_schema=False)
    before = pa.total_allocated_bytes()
    assert reasons(read(buffer.getvalue(), files("a.parquet"))).total() == count  # 10 GB, written out
    assert pa.total_allocated_bytes() - before < 2**30


def test_a_large_file_without_any_time_is_garbled_and_says_what_to_declare() -> None:
    rows = [f"{day % 28 + 1:02d}/{day % 12 + 1:02d}/2026 01:00,10,12,9,11,5" for day in range(1_001)]
    with pytest.raises(FeedGarbled, match=r"none of its 1,001 rows has a time, like line 2: .*time\.format"):
        read(lines(*rows))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_a_byte_order_mark_is_no_part_of_a_column_whatever_the_encoding(encoding: str) -> None:
    body = b"\xff\xfe" + lines(ROW.format(1)).encode("utf-16-le")
    assert read(body, files(encoding=encoding)).rows.num_rows == 1
