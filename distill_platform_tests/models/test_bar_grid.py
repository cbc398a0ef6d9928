"""Bars stand in a grid by the clock: what is missing is a row of its own, and what is doubtful is refused."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import BarsError
from distill_platform.models.features.bar_grid import BarGrid, bar_grid
from distill_platform.strategies.bars import Bars
from distill_platform_tests.models.grids import HOUR, START, bar_table, gaps, random_grid

HOLES = gaps(40, 3, (5, 6, 0), (10, 14, 1), (20, 22, -1))


def changed(table: pa.Table, name: str, row: int, value: object) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    place = table.schema.get_field_index(name)
    field = table.schema.field(name).with_nullable(True)
    return table.set_column(place, field, pa.array(values, field.type))


def test_every_bar_stands_at_its_moment_and_nowhere_else() -> None:
    table = bar_table(40, holes=HOLES)
    grid = bar_grid(table, HOUR, ["CCC", "AAA", "BBB"])
    assert grid.symbols == ("AAA", "BBB", "CCC")
    np.testing.assert_array_equal(grid.ts, START + HOUR * np.arange(40))
    np.testing.assert_array_equal(grid.is_missing, HOLES)
    for row in table.to_pylist():
        place = (round(row["ts_end"].timestamp()) * 10**9 - START) // HOUR
        column = grid.symbols.index(row["symbol"])
        for name in ("open", "high", "low", "close", "volume"):
            assert grid.field(name)[place, column] == row[name]


@given(first=st.integers(-30, 60), count=st.integers(1, 50))
def test_a_grid_has_the_moments_it_is_asked_for_whether_there_are_bars_or_not(first: int, count: int) -> None:
    table, whole = bar_table(40, holes=HOLES), random_grid(40, holes=HOLES)
    begin = START + first * HOUR
    grid = bar_grid(table, HOUR, whole.symbols, first_ts=begin, last_ts=begin + (count - 1) * HOUR)
    assert len(grid) == count
    for row, ts in enumerate(grid.ts.tolist()):
        inside = 0 <= (place := (ts - START) // HOUR) < 40
        np.testing.assert_array_equal(grid.field("close")[row], whole.field("close")[place] if inside else np.nan)


def test_long_grids_have_all_their_moments() -> None:
    first = 1_600_563_600 * 10**9
    grid = bar_grid(bar_table(1).slice(0, 0), HOUR, ["A"], first_ts=first, last_ts=first + 43_822 * HOUR)
    assert len(grid) == 43_823
    assert grid.ts[-1] == first + 43_822 * HOUR


def test_an_outage_is_a_long_gap_or_one_that_all_share_and_known_only_once_it_is_that_long() -> None:
    outage = random_grid(40, holes=HOLES).is_outage(3)
    expected = gaps(40, 3, (12, 14, 1), (20, 22, -1))
    np.testing.assert_array_equal(outage, expected)


def test_what_lies_before_the_grid_was_missing() -> None:
    late = gaps(10, 2, (0, 4, 0))
    np.testing.assert_array_equal(random_grid(10, ("A", "B"), holes=late).is_outage(3), late)


def test_a_bar_without_volume_or_with_the_prices_of_the_one_before_is_stale() -> None:
    grid = random_grid(10, ("A",))
    fields = {name: grid.field(name).copy() for name in ("open", "high", "low", "close", "volume")}
    fields["volume"][3] = 0.0
    for name in ("open", "high", "low", "close"):
        fields[name][7] = fields[name][6]
    fields["close"][8] = fields["close"][7]
    stale = BarGrid(Bars(grid.ts, grid.symbols, **fields), HOUR).is_stale
    np.testing.assert_array_equal(np.flatnonzero(stale), [3, 7])


def test_the_engine_gets_the_moments_at_which_anybody_has_a_bar() -> None:
    grid = random_grid(40, holes=HOLES)
    bars = grid.to_bars()
    kept = ~HOLES.all(axis=1)
    np.testing.assert_array_equal(bars.ts, grid.ts[kept])
    np.testing.assert_array_equal(bars.close, grid.field("close")[kept])


def test_a_grid_up_to_a_moment_knows_nothing_later() -> None:
    grid = random_grid(20)
    cut = grid.until(int(grid.ts[7]))
    assert len(cut) == 8
    assert cut.fingerprint == grid.rows(0, 8).fingerprint != grid.fingerprint


@pytest.mark.parametrize("order", [[1, 0, *range(2, 12)], [0, 0, *range(1, 12)]], ids=["unsorted", "doubled"])
def test_rows_out_of_order_and_rows_that_stand_twice_are_refused(order: list[int]) -> None:
    with pytest.raises(BarsError, match="row 1 of the table of bars"):
        bar_grid(bar_table(4).take(order), HOUR, ["AAA", "BBB", "CCC"])


def test_a_bar_between_two_moments_is_refused() -> None:
    table = bar_table(3, ("A",))
    beside = changed(table, "ts_end", 1, table["ts_end"][1].as_py().replace(minute=17))
    with pytest.raises(BarsError, match="not a multiple of the interval"):
        bar_grid(beside, HOUR, ["A"])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), None])
def test_a_price_that_no_bar_has_is_refused(value: float | None) -> None:
    with pytest.raises(BarsError):
        bar_grid(changed(bar_table(3, ("A",)), "close", 1, value), HOUR, ["A"])


def test_a_table_without_a_column_or_without_bars_is_refused() -> None:
    with pytest.raises(BarsError, match="no column 'volume'"):
        bar_grid(bar_table(3).drop_columns(["volume"]), HOUR, ["AAA"])
    with pytest.raises(BarsError, match="no bars of these symbols"):
        bar_grid(bar_table(3), HOUR, ["ZZZ"])


def test_one_wrong_stamp_does_not_fill_the_memory() -> None:
    table = bar_table(3, ("A",))
    early = changed(table, "ts_end", 0, table["ts_end"][0].as_py().replace(year=1971))
    with pytest.raises(BarsError, match="decades"):
        bar_grid(early, 10**6, ["A"])


def test_a_bar_of_which_only_a_part_is_there_is_refused() -> None:
    grid = random_grid(4, ("A",))
    fields = {name: grid.field(name).copy() for name in ("open", "high", "low", "close", "volume")}
    fields["volume"][2] = np.nan
    with pytest.raises(BarsError, match="volume is not there"):
        BarGrid(Bars(grid.ts, grid.symbols, **fields), HOUR)
