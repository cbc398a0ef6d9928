"""From a decision to a fill: when, at what price, how much of it, and what is said of the rest."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import ConfigError
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits
from distill_platform_tests.strategies.engine.accounts import DAY, accounts, bars, column, run

NAN = math.nan


def lots(result: BacktestResult) -> list[float]:
    """What was traded in each bar, of the first symbol."""
    found: list[float] = result.book.changes[:, 0].tolist()
    return found


def orders(result: BacktestResult) -> list[tuple[str, str | None]]:
    return list(zip(column(result, "status", "orders"), column(result, "reject_reason", "orders"), strict=True))


def test_a_decision_fills_at_the_next_close_where_there_are_closes_only() -> None:
    result = run([1.0, 1.0, 0.0, 0.0], bars([10.0, 20.0, 30.0, 60.0]))
    assert lots(result) == [0.0, 100.0, -50.0, -50.0]
    assert column(result, "ret_gross") == pytest.approx([0.0, 0.0, 1.0, 0.75])


def test_a_decision_fills_at_the_next_open_where_there_are_opens() -> None:
    result = run([1.0, 0.0, 0.0], bars([10.0, 20.0, 30.0], opens=[9.0, 12.0, 25.0]))
    assert lots(result) == [0.0, 100.0, -100.0]
    assert column(result, "ret_gross") == pytest.approx([0.0, 0.8, 500 / 1800])


def test_the_last_decision_never_fills() -> None:
    assert lots(run([0.0, 0.0, 1.0], bars([10.0, 20.0, 30.0]))) == [0.0, 0.0, 0.0]


@given(accounts(), st.data())
def test_the_past_does_not_know_the_future(result: BacktestResult, data: st.DataObject) -> None:
    """Cutting off what comes later changes no step before it."""
    book = result.book
    kept = data.draw(st.integers(1, len(book.bars)))
    weights = np.random.default_rng(0).normal(size=book.bars.close.shape)
    whole = backtest(weights, book.bars, book.costs, book.limits, benchmark=np.ones(len(book.bars)))
    first = backtest(weights[:kept], book.bars.rows(0, kept), book.costs, book.limits, benchmark=np.ones(kept))
    assert first.steps.equals(whole.steps.slice(0, kept))


def test_targets_are_cut_to_whole_lots_toward_zero() -> None:
    market = bars([30.0, 30.0, 30.0, 30.0])
    assert lots(run([0.99, -0.99, -0.99, 0.0], market, limits=ExecutionLimits(lot_size=1.0))) == [0.0, 33.0, -66.0, 0.0]
    by_sevens = run([0.99, -0.99, 0.0, 0.0], market, limits=ExecutionLimits(lot_size=7.0))
    assert (by_sevens.book.changes[:, 0] * 7.0).tolist() == [0.0, 28.0, -56.0, 28.0]


@given(accounts())
def test_positions_are_multiples_of_the_lot(result: BacktestResult) -> None:
    if result.book.limits.lot_size:
        assert (result.book.changes == np.trunc(result.book.changes)).all()


def test_small_orders_are_rejected_exits_too() -> None:
    result = run([0.5, 0.51, 0.0], bars([10.0, 10.0, 10.0]), limits=ExecutionLimits(min_notional=100.0))
    assert orders(result) == [("filled", None), ("rejected", "below_min_notional")]
    exit_ = run([0.05, 0.5, 0.0], bars([10.0, 10.0, 1.0]), limits=ExecutionLimits(min_notional=50.0))
    assert orders(exit_)[0] == ("filled", None)


def test_large_orders_are_cut_and_go_on_the_next_bar() -> None:
    result = run([1.0, 1.0, 1.0, 1.0], bars([10.0] * 4), limits=ExecutionLimits(max_notional=400.0))
    assert lots(result) == [0.0, 40.0, 40.0, 20.0]
    assert orders(result) == [("partial", "max_notional")] * 2 + [("filled", None)]


def test_an_order_cut_to_nothing_is_rejected() -> None:
    result = run([1.0, 1.0], bars([30.0, 30.0]), limits=ExecutionLimits(lot_size=1.0, max_notional=20.0))
    assert orders(result) == [("rejected", "max_notional")]


def test_no_order_takes_more_than_its_share_of_the_volume() -> None:
    market = bars([10.0] * 4, volumes=[NAN, 200.0, 100.0, 0.0])
    result = run([1.0] * 4, market, limits=ExecutionLimits(max_participation=0.25))
    assert lots(result) == [0.0, 50.0, 25.0, 0.0]
    assert orders(result) == [("partial", "max_participation")] * 2 + [("rejected", "no_volume")]
    assert column(result, "participation") == [0.0, 0.25, 0.25, 0.0]


def test_average_volume_is_that_of_the_bars_before() -> None:
    result = run([0.0, 0.1, 0.1, 0.1], bars([10.0] * 4, volumes=[40.0, 60.0, 500.0, 500.0]))
    assert column(result, "adv_utilization") == [0.0, 0.0, 10 / 50, 0.0]
    assert column(result, "participation") == [0.0, 0.0, 10 / 500, 0.0]


def test_without_volumes_nothing_is_said_of_them() -> None:
    assert not {"participation", "adv_utilization"} & set(run([1.0, 1.0], bars([1.0, 1.0])).steps.column_names)


def test_a_symbol_without_a_price_is_not_traded_and_keeps_its_mark() -> None:
    result = run([1.0, 0.0, 0.0, 0.0], bars([10.0, 10.0, NAN, 20.0]))
    assert lots(result) == [0.0, 100.0, 0.0, -100.0]
    assert orders(result) == [("filled", None), ("rejected", "no_price"), ("filled", None)]
    assert column(result, "ret_gross") == pytest.approx([0.0, 0.0, 0.0, 1.0])


def test_a_symbol_that_never_had_a_price_is_not_traded() -> None:
    assert orders(run([1.0, 1.0, 1.0], bars([NAN, NAN, 5.0]))) == [("rejected", "no_price")] * 2


def test_an_opening_price_without_a_close_is_no_bar() -> None:
    result = run([1.0, 1.0, 1.0], bars([10.0, NAN, 10.0], opens=[10.0, 10.0, 10.0]))
    assert lots(result) == [0.0, 0.0, 100.0]


def test_no_decision_leaves_the_position_alone() -> None:
    result = run([1.0, NAN, NAN, NAN], bars([10.0, 10.0, 5.0, 20.0]))
    assert lots(result) == [0.0, 100.0, 0.0, 0.0]


def test_within_the_band_nothing_is_traded_but_a_target_of_zero_is() -> None:
    limits = ExecutionLimits(rebalance_band=0.05)
    assert lots(run([0.5, 0.54, 0.56, 0.56], bars([10.0] * 4), limits=limits)) == [0.0, 50.0, 0.0, pytest.approx(6.0)]
    assert lots(run([0.06, 0.04, 0.0, 0.0], bars([10.0] * 4), limits=limits)) == [0.0, 6.0, 0.0, -6.0]


def test_a_ruined_account_is_closed_and_never_trades_again() -> None:
    result = run([-2.0, -2.0, -2.0, 0.0], bars([10.0, 10.0, 30.0, 10.0]))
    assert column(result, "ret_net") == [0.0, 0.0, -4.0, 0.0]
    assert column(result, "exposure") == [0.0, 2.0, 0.0, 0.0]
    assert orders(result)[-1] == ("rejected", "no_equity")
    assert column(result, "pnl", "trades") == [-4.0]


def test_costs_are_paid_on_what_is_traded_and_funding_on_what_is_held() -> None:
    costs = CostProfile(fee_bps=10.0, slippage_bps=20.0, funding_bps_daily=1.0)
    result = run([-0.5, NAN, NAN], bars([10.0, 10.0, 10.0], every=3 * DAY), costs)
    assert column(result, "turnover") == [0.0, 0.5, 0.0]
    assert column(result, "fee") == pytest.approx([0.0, 0.0005, 0.0])
    assert column(result, "slippage") == pytest.approx([0.0, 0.001, 0.0])
    assert column(result, "funding") == pytest.approx([0.0, 0.0, 3 * 0.5e-4 / 0.9985])


def test_slippage_is_not_part_of_the_fill_price() -> None:
    result = run([1.0, 0.0, 0.0], bars([10.0, 20.0, 30.0]), CostProfile(slippage_bps=50.0))
    assert column(result, "price_open", "trades") == [20.0]


@pytest.mark.parametrize("bps", [-1.0, math.nan, math.inf, 10_000.0])
def test_costs_must_be_costs(bps: float) -> None:
    with pytest.raises(ConfigError, match="fee_bps"):
        CostProfile(fee_bps=bps)


@pytest.mark.parametrize(
    "limits",
    [
        {"lot_size": -1.0}, {"lot_size": math.inf}, {"min_notional": math.nan}, {"max_notional": 0.0},
        {"max_participation": math.nan}, {"rebalance_band": -0.1}, {"min_notional": 5.0, "max_notional": 4.0},
    ],
)  # fmt: skip
def test_limits_must_be_limits(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(limits))):
        ExecutionLimits(**limits)
