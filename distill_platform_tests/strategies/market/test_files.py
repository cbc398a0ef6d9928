"""A user's own bars: what is read, and what is refused with its place."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from distill_platform.core.errors import SourceError
from distill_platform.strategies.market.files import read_market

TABLE = pa.table(
    {
        "ts": ["2026-04-20T16:00:00Z", "2026-04-21T16:00:00Z", "2026-04-20T18:00:00+02:00", "2026-04-22T16:00:00Z"],
        "symbol": ["BB", "BB", "AA", "AA"],
        "open": [1.0, 2.0, 30.0, 31.0],
        "high": [2.0, 3.0, 33.0, 34.0],
        "low": [0.5, 1.0, 29.0, 30.0],
        "close": [1.5, 2.5, 32.0, 33.0],
        "volume": [100, 200, 0, 400],
    }
)
STAMPED = TABLE.set_column(0, "ts", TABLE["ts"].cast(pa.timestamp("us", "UTC")))


def write_gzip(table: pa.Table, path: Path) -> None:
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink)
    path.write_bytes(gzip.compress(sink.getvalue().to_pybytes()))


WRITERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "bars.parquet": lambda table, path: pq.write_table(table, path),
    "bars.csv": lambda table, path: pacsv.write_csv(table, path),
    "bars.csv.gz": write_gzip,
    "bars.feather": lambda table, path: feather.write_feather(table, path),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("table", [TABLE, STAMPED], ids=["texts", "stamps"])
def test_every_kind_of_file_gives_the_same_market(name: str, table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](table, path)
    market = read_market(path)
    assert market.preset == f"file:{name}"
    assert market.bars.symbols == ("AA", "BB")
    np.testing.assert_array_equal(market.bars.close, [[32.0, 1.5], [np.nan, 2.5], [33.0, np.nan]])
    assert np.array_equal(market.bars.volume, [[0.0, 100.0], [np.nan, 200.0], [400.0, np.nan]], equal_nan=True)  # type: ignore[arg-type]
    assert market.bars.ts[0] == np.datetime64("2026-04-20T16:00", "ns").astype(np.int64)


def read(tmp_path: Path, text: str, name: str = "bars.csv") -> Any:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_market(tmp_path / name).bars


def test_a_daily_file_may_name_days_and_one_symbol_by_the_file(tmp_path: Path) -> None:
    bars = read(tmp_path, "Date,Close\n2026-04-20,1\n2026-04-21,2\n", "SPY.csv")
    assert bars.symbols == ("SPY",)
    assert bars.ts.tolist() == [np.datetime64(day, "ns").astype(np.int64) for day in ("2026-04-21", "2026-04-22")]


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("ns")])
def test_days_of_a_table_are_days(kind: pa.DataType, tmp_path: Path) -> None:
    days = pa.array(["2026-04-20", "2026-04-21"]).cast(pa.date32()).cast(kind)
    pq.write_table(pa.table({"date": days, "close": [1.0, 2.0]}), tmp_path / "x.parquet")
    assert read_market(tmp_path / "x.parquet").bars.ts[0] == np.datetime64("2026-04-21", "ns").astype(np.int64)


REFUSED = {
    "an empty file": ("", "cannot be read"),
    "no rows": ("ts,close\n", "has no rows"),
    "a torn row": ("ts,symbol,close\n2026-04-20T00:00Z,A,1\n2026-04-21T00:00Z,A\n", "Row #3"),
    "no zone": ("ts,close\n2026-04-20T00:00Z,1\n2026-04-21T00:00,1\n", "row 2.*no zone"),
    "not a moment": ("ts,close\nyesterday,1\n", "row 1: `ts`"),
    "no moment": ("ts,close\n,1\n", "row 1: the bar has no time"),
    "before 1970": ("ts,close\n1969-12-31T00:00Z,1\n", "row 1.*before 1970"),
    "not a day": ("date,close\n2026-04-20,1\n2026-4-21,1\n", "row 2: `date`"),
    "both times": ("ts,date,close\n2026-04-20T00:00Z,2026-04-20,1\n", "either `ts` or `date`"),
    "no close": ("ts,open\n2026-04-20T00:00Z,1\n", "needs `close`"),
    "an unknown column": ("ts,close,volumne\n2026-04-20T00:00Z,1,5\n", "unknown column 'volumne'.*'volume'"),
    "a repeated column": ("ts,close,Close\n2026-04-20T00:00Z,1,5\n", "'close' stands twice"),
    "a word for a price": ("ts,close\n2026-04-20T00:00Z,1\n2026-04-21T00:00Z,n/a\n", "n/a"),
    "no price": ("ts,symbol,close\n2026-04-20T00:00Z,A,\n", "row 1: `close` is missing"),
    "not a number": ("ts,close\n2026-04-20T00:00Z,nan\n", "row 1: `close` is missing or not a finite"),
    "infinite": ("ts,close\n2026-04-20T00:00Z,1\n2026-04-21T00:00Z,inf\n", "row 2: .*not a finite number"),
    "negative": (
        "ts,close\n2026-04-20T00:00Z,-1\n2026-04-21T00:00Z,-2\n",
        r"row 1: `close` is not above 0 \(and 1 more\)",
    ),
    "zero": ("ts,close\n2026-04-20T00:00Z,0\n", "row 1: `close` is not above 0"),
    "huge": ("ts,close\n2026-04-20T00:00Z,1e300\n", r"row 1: `close` is above 1e\+12"),
    "negative volume": ("ts,close,volume\n2026-04-20T00:00Z,1,-1\n", "row 1: `volume` is negative"),
    "low above close": ("ts,low,close\n2026-04-20T00:00Z,2,1\n", "row 1: `low` is above"),
    "high below open": ("ts,open,high,close\n2026-04-20T00:00Z,3,2,1\n", "row 1: `high` is below"),
    "a bar twice": ("ts,close\n2026-04-20T00:00Z,1\n2026-04-20T02:00+02:00,1\n", "row 2: 'bars' goes back.*twice"),
    "back in time": ("ts,close\n2026-04-21T00:00Z,1\n2026-04-20T00:00Z,1\n", "row 2.*Sort"),
    "no symbol": ("ts,symbol,close\n2026-04-20T00:00Z,,1\n", "row 1: `symbol`"),
    "a symbol with spaces": ("ts,symbol,close\n2026-04-20T00:00Z,A B,1\n", "row 1: `symbol`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_bars_is_refused_with_its_place(case: str, tmp_path: Path) -> None:
    text, complaint = REFUSED[case]
    with pytest.raises(SourceError, match=complaint) as refused:
        read(tmp_path, text)
    assert "bars.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ts": pa.array([1, 2, 3, 4])}, "`ts` holds int64"),
        ({"ts": STAMPED["ts"].cast(pa.timestamp("us"))}, "`ts` has no zone"),
        ({"ts": pa.array([2**53] * 4).cast(pa.timestamp("ms", "UTC"))}, "beyond the year 2262"),
        ({"close": pa.array(["1", "2", "3", "4"])}, "`close` holds string"),
        ({"close": pa.array([True] * 4)}, "`close` holds bool"),
        ({"symbol": pa.array([1, 2, 3, 4])}, "`symbol` holds int64"),
    ],
)
def test_columns_of_another_kind_are_refused(change: dict[str, pa.Array], complaint: str, tmp_path: Path) -> None:
    columns = dict(zip(STAMPED.column_names, STAMPED.columns, strict=True)) | change
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(SourceError, match=complaint):
        read_market(tmp_path / "x.parquet")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_cut_off_is_refused_or_is_a_shorter_one(name: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](STAMPED, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    try:
        assert 0 < len(read_market(path).bars) <= 3
        assert name == "bars.csv"
    except SourceError as error:
        assert name in str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(list(WRITERS)))
@example(b"\x80\n", "bars.csv")
def test_no_bytes_whatever_raise_anything_else(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError):
        read_market(tmp_path / name)


@pytest.mark.parametrize(("name", "complaint"), [("none.csv", "there is no file"), ("bars.xlsx", "no known kind")])
def test_what_is_no_file_of_bars_is_said(name: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=complaint):
        read_market(tmp_path / name)
