"""Small files that unpack to much are refused before they are unpacked, whatever their footer says."""

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.parquet_files import read_table
from distill_platform.strategies.bundles.parquet_footer import FooterError, sizes
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.tables import DAILY, STEPS, TRADES, BundleTable
from distill_platform_tests.strategies.bundles.builders import tables


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return bytes(sink.getvalue().to_pybytes())


def refused(data: bytes, declared: BundleTable = STEPS, limits: Limits = LIMITS) -> BundleRefused:
    with pytest.raises(BundleRefused) as caught:
        read_table(data, declared, limits)
    return caught.value


def repeated(rows: int) -> pa.Table:
    """Steps whose every column is one value: a few bytes for any number of rows."""
    zeros = np.zeros(rows)
    return pa.table(dict.fromkeys(STEPS.columns.names, zeros))


def test_the_sizes_are_those_of_the_pages() -> None:
    table = pa.table({"a": np.arange(10_000.0), "b": np.zeros(10_000)})
    found = sizes(parquet(table, use_dictionary=False, compression="zstd", data_page_version="1.0"))
    assert (found.columns, found.rows) == (2, 10_000)
    assert 160_000 <= found.unpacked <= 161_000


def test_rows_beyond_the_limit_are_not_unpacked() -> None:
    data = parquet(repeated(2_000_000))
    assert len(data) < 100_000
    error = refused(data, limits=replace(LIMITS, rows=1_999_999))
    assert error.reason == "too_large"
    assert "2,000,000 rows" in error.message


def test_pages_that_unpack_to_much_are_refused_by_what_they_say_themselves() -> None:
    data = parquet(repeated(100_000), use_dictionary=False, compression="zstd")
    error = refused(data, limits=replace(LIMITS, table_bytes=1_000_000))
    assert error.reason == "too_large"
    assert "once unpacked" in error.message


def test_one_long_text_is_not_multiplied() -> None:
    trades = tables()["trades"]
    symbols = pa.array(["S" * 1_000_000] * trades.num_rows)
    data = parquet(trades.set_column(3, "symbol", symbols), compression="zstd")
    assert len(data) < 20_000
    assert refused(data, TRADES).reason == "too_large"


def test_many_columns_are_counted_not_read() -> None:
    data = parquet(pa.table({f"c{number}": [1.0] for number in range(65)}))
    assert "65 columns" in refused(data).message


@pytest.mark.parametrize("keep", [0, 3, 11, 12, 100, -1, -4, -8, -9, -100])
def test_a_file_that_is_cut_off_is_refused(keep: int) -> None:
    data = parquet(tables()["steps"])[:keep]
    error = refused(data)
    assert error.reason == "parquet_unreadable"
    assert "steps.parquet" in error.message


def test_a_footer_that_counts_other_rows_than_its_pages_is_refused() -> None:
    data = parquet(pa.table({"day": [1] * 77}), store_schema=False, use_dictionary=False, compression="none")
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    once = data[:start] + data[start:].replace(
        bytes([0x16, 77 * 2 % 128 | 128, 1]), bytes([0x16, 78 * 2 % 128 | 128, 1]), 1
    )
    assert once != data
    with pytest.raises(FooterError):
        sizes(once)
    assert refused(once, DAILY).reason == "parquet_unreadable"


NESTED = pa.table({"ts_end": [[1.0]], "fee": [{"a": 1}]})


def test_nested_columns_are_refused() -> None:
    assert refused(parquet(NESTED)).reason in ("parquet_unreadable", "column_missing", "column_type")


ABORT = """
import sys
from distill_platform.strategies.bundles.limits import LIMITS
from distill_platform.strategies.bundles.parquet_files import read_table
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.tables import STEPS
from distill_platform_tests.strategies.bundles.test_parquet_bombs import parquet
from distill_platform_tests.strategies.bundles.builders import tables
import random
data = parquet(tables()["steps"])
dice = random.Random(int(sys.argv[1]))
for _ in range(3_000):
    spoiled = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        spoiled[dice.randrange(len(data) // 2, len(data))] = dice.randrange(256)
    try:
        read_table(bytes(spoiled), STEPS, LIMITS)
    except BundleRefused:
        pass
"""


def test_a_damaged_footer_never_takes_the_process_with_it() -> None:
    """Some contradictions in a footer abort the process where the library is asked about a column chunk."""
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", ABORT, "1"], cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2_000:]


@pytest.mark.slow
def test_refusing_a_bomb_takes_no_more_memory_than_its_limits() -> None:
    """A gigabyte of zeros in 100 kB, with room for a tenth of it."""
    data = parquet(repeated(12_000_000), use_dictionary=False, compression="zstd")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(data, limits=replace(LIMITS, table_bytes=100_000_000)).reason == "too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000
