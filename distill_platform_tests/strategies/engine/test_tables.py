"""Round trips, days, folds and the benchmark: what a run's tables say."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from distill_platform.core.errors import ConfigError
from distill_platform.strategies.bundles.tables import TABLES
from distill_platform.strategies.engine.backtest import BacktestResult
from distill_platform.strategies.engine.costs import CostProfile
from distill_platform_tests.strategies.engine.accounts import DAY, START, accounts, bars, column, run

NAN = float("nan")


def trades(result: BacktestResult) -> list[dict[str, object]]:
    found: list[dict[str, object]] = result.trades.to_pylist()
    return found


@given(accounts())
def test_tables_have_the_columns_of_a_bundle(result: BacktestResult) -> None:
    for name, table in result.tables().items():
        declared = TABLES[name]
        expected = [field for field in declared.columns if field.name in table.column_names]
        assert table.schema.equals(pa.schema(expected))
        assert set(declared.columns.names) - set(table.column_names) <= declared.optional
        required = [column for column in table.column_names if column != "reject_reason"]
        assert not any(table[column].null_count for column in required)
        numbers = [column for column in table.columns if pa.types.is_floating(column.type)]
        assert all(np.isfinite(column.to_numpy()).all() for column in numbers)


def test_a_flip_ends_one_trade_and_begins_another() -> None:
    result = run([1.0, -1.0, 0.0, 0.0], bars([10.0, 10.0, 20.0, 10.0]), CostProfile(fee_bps=100.0))
    first, second = trades(result)
    assert (first["side"], first["qty"], first["price_open"], first["price_close"]) == ("long", 100.0, 10.0, 20.0)
    assert (second["side"], second["price_open"], second["price_close"]) == ("short", 20.0, 10.0)
    assert second["qty"] == pytest.approx(1990.0 / 20.0 - 1.0 + 0.5)
    assert first["ts_close"] == second["ts_open"]
    assert first["fee"] == pytest.approx(0.01 + 100.0 * 20.0 * 0.01 / 990.0)


def test_scaling_in_and_out_is_one_trade_at_average_prices() -> None:
    result = run([0.1, 0.3, 0.2, 0.0, 0.0], bars([10.0, 10.0, 10.0, 10.0, 10.0]))
    (trade,) = trades(result)
    assert trade["qty"] == pytest.approx(30.0)
    assert trade["ts_open"] == datetime.fromtimestamp((START + DAY) / 1e9, UTC)
    assert trade["ts_close"] == datetime.fromtimestamp((START + 4 * DAY) / 1e9, UTC)
    assert (trade["price_open"], trade["price_close"]) == (pytest.approx(10.0), pytest.approx(10.0))


def test_a_trade_still_open_is_closed_at_the_last_mark_without_cost() -> None:
    result = run([0.5, NAN, NAN], bars([10.0, 10.0, 14.0]), CostProfile(fee_bps=10.0))
    (trade,) = trades(result)
    assert trade["price_close"] == 14.0
    assert trade["ts_close"] == result.steps["ts_end"][-1].as_py()
    assert trade["fee"] == pytest.approx(0.0005)


def test_trades_are_round_trips_never_periods() -> None:
    held = run([0.5] * 50, bars(np.linspace(10.0, 20.0, 50)))
    assert len(held.trades) == 1
    assert len(held.orders) == 49


def test_idle_accounts_have_no_trades_and_no_orders() -> None:
    result = run([0.0] * 5, bars([10.0] * 5))
    assert (len(result.trades), len(result.orders), len(result.steps)) == (0, 0, 5)
    assert column(result, "ret_net") == [0.0] * 5


def test_a_day_compounds_its_bars_and_midnight_belongs_to_the_day_before() -> None:
    result = run([1.0] * 5, bars([10.0, 10.0, 11.0, 12.1, 6.05], every=DAY // 2))
    assert column(result, "day", "daily") == [date(2022, 1, 7), date(2022, 1, 8), date(2022, 1, 9)]
    assert column(result, "ret_net", "daily") == pytest.approx([0.0, 0.1, -0.45])
    assert column(result, "n_trades", "daily") == [0, 0, 1]


def test_folds_are_walk_forward_and_say_what_they_may_be_used_for() -> None:
    result = run([1.0] * 30, bars(10.0 * 1.01 ** np.arange(30)))
    assert column(result, "split", "folds") == ["search"] * 4 + ["validation"] * 2 + ["forward_oos"] * 2
    assert column(result, "pnl_oos", "folds") == pytest.approx([0.02] * 8, abs=1e-9)
    assert column(result, "pnl_is", "folds") == pytest.approx([0.06] + [0.08] * 7, abs=1e-3)
    starts, ends = column(result, "start", "folds"), column(result, "end", "folds")
    assert starts[1:] == ends[:-1]
    assert starts[0] == column(result, "ts_end")[7]


def test_a_run_too_short_has_no_folds() -> None:
    assert "folds" not in run([1.0] * 11, bars([10.0] * 11)).tables()


def test_the_benchmark_buys_equal_parts_and_holds() -> None:
    market = bars([[10.0, NAN], [20.0, 5.0], [20.0, NAN], [10.0, 10.0]])
    values = np.array([1.0, 1.5, 1.5, 1.5])
    result = run(np.zeros((4, 2)), market)
    assert column(result, "benchmark_ret") == pytest.approx([0.0, *(values[1:] / values[:-1] - 1.0)])


def test_a_benchmark_can_be_given() -> None:
    result = run([0.0] * 3, bars([1.0] * 3), benchmark=np.array([100.0, 110.0, 99.0]))
    assert column(result, "benchmark_ret") == pytest.approx([0.0, 0.1, -0.1])


@pytest.mark.parametrize("prices", [[1.0, 2.0], [1.0, 0.0, 1.0], [1.0, NAN, 1.0]])
def test_a_benchmark_needs_a_price_for_every_bar(prices: list[float]) -> None:
    with pytest.raises(ConfigError, match="benchmark"):
        run([0.0] * 3, bars([1.0] * 3), benchmark=np.array(prices))


def test_the_sharpe_ratio_of_an_account_that_lost_more_than_all_means_nothing() -> None:
    ruined = run([-2.0, -2.0, -2.0, 0.0], bars([10.0, 10.0, 30.0, 10.0]))
    idle = run([0.0] * 4, bars([10.0] * 4))
    grown = run([0.5] * 4, bars([10.0, 10.0, 11.0, 10.5]), CostProfile(fee_bps=1.0))
    assert np.isnan([ruined.sharpe("ret_net"), idle.sharpe("ret_net")]).all()
    assert grown.sharpe("ret_gross") > grown.sharpe("ret_net") > 0.0
