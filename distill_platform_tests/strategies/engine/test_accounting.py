"""The account closes: exact arithmetic on the fills alone gives the same equity, steps, trades and days."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from distill_platform.core.errors import AccountingError, ConfigError
from distill_platform.stats import daily_returns_utc
from distill_platform.strategies.engine.backtest import BacktestResult, backtest
from distill_platform.strategies.engine.costs import CostProfile, ExecutionLimits
from distill_platform.strategies.engine.kernel import Column
from distill_platform_tests.strategies.engine.accounts import accounts, bars, column, run

BPS = Fraction(1, 10_000)


def exact_equity(result: BacktestResult) -> list[Fraction]:
    """Equity at the end of each bar from cash and positions, in fractions: no rounding anywhere."""
    book = result.book
    lot = Fraction(book.lot)
    fee = (Fraction(book.costs.fee_bps) + Fraction(book.costs.slippage_bps)) * BPS
    days = [Fraction(int(gap), 86_400 * 10**9) for gap in np.diff(book.bars.ts, prepend=book.bars.ts[0])]
    cash, symbols = Fraction(1_000), range(len(book.bars.symbols))
    positions, marks, equity = [Fraction(0) for _ in symbols], [Fraction(0) for _ in symbols], []
    for t in range(len(book.bars)):
        for n in symbols:
            cash -= abs(positions[n]) * marks[n] * days[t] * Fraction(book.costs.funding_bps_daily) * BPS
            if book.changes[t, n]:
                units, price = Fraction(book.changes[t, n]) * lot, Fraction(book.fills[t, n])
                cash -= units * price + abs(units) * price * fee
                positions[n] += units
            if not math.isnan(book.bars.close[t, n]):
                marks[n] = Fraction(book.bars.close[t, n])
        equity.append(cash + sum(positions[n] * marks[n] for n in symbols))
        if equity[-1] <= 0:
            cash, positions = equity[-1], [Fraction(0) for _ in symbols]
    return equity


@given(accounts())
def test_equity_is_what_exact_arithmetic_says(result: BacktestResult) -> None:
    book = result.book
    stakes = np.maximum(book.column(Column.START), book.column(Column.NOTIONAL) + book.column(Column.TRADED))
    for found, expected, stake in zip(book.column(Column.END), exact_equity(result), stakes, strict=True):
        assert abs(Fraction(found) - expected) <= 1e-9 * max(stake, 1_000.0)
    assert book.closure <= 1e-9


@given(accounts())
def test_net_is_gross_less_every_cost(result: BacktestResult) -> None:
    gross, fee, slippage, funding, net = (
        np.array(column(result, name)) for name in ("ret_gross", "fee", "slippage", "funding", "ret_net")
    )
    np.testing.assert_allclose(
        net, gross - fee - slippage - funding, rtol=0, atol=1e-12 * max(1.0, np.abs(gross).max())
    )
    assert min(fee.min(), slippage.min(), funding.min()) >= 0.0


@given(accounts())
def test_compounded_steps_are_the_equity(result: BacktestResult) -> None:
    alive = slice(0, result.book.last + 1)
    net = np.array(column(result, "ret_net"))
    grown = 1_000.0 * np.cumprod(1.0 + net[alive])
    np.testing.assert_allclose(grown, result.book.column(Column.END)[alive], rtol=1e-9, atol=1e-6)
    assert not net[result.book.last + 1 :].any()


@given(accounts())
def test_trades_sum_to_the_steps(result: BacktestResult) -> None:
    scale = 1.0 + np.abs(column(result, "ret_net")).sum()
    for of_trades, of_steps in (("pnl", "ret_net"), ("fee", "fee"), ("slippage", "slippage")):
        trades, steps = column(result, of_trades, "trades"), column(result, of_steps)
        assert math.fsum(trades) == pytest.approx(math.fsum(steps), abs=1e-9 * scale)


@given(accounts())
def test_days_agree_with_the_steps_though_they_come_from_the_ledger(result: BacktestResult) -> None:
    days, steps = result.daily, result.steps
    stamps = result.book.bars.ts.astype("datetime64[ns]")
    assert sum(column(result, "n_trades", "daily")) == len(result.trades)
    assert math.fsum(column(result, "fee", "daily")) == pytest.approx(math.fsum(column(result, "fee")), abs=1e-12)
    if min(column(result, "ret_net")) > -1.0:
        expected = daily_returns_utc(stamps, steps["ret_net"].to_numpy(), fill_missing=False)
        np.testing.assert_allclose(days["ret_net"].to_numpy(), expected, rtol=1e-9, atol=1e-9)


@given(accounts())
def test_the_same_run_gives_the_same_bits(result: BacktestResult) -> None:
    book = result.book
    weights = np.where(book.changes > 0.0, 0.5, -0.5)
    first, second = (backtest(weights, book.bars, book.costs, book.limits).tables() for _ in range(2))
    assert all(first[name].equals(second[name]) for name in first)


def test_numbers_beyond_floats_are_no_result() -> None:
    market = bars([1.0, 1e12, 1e-12, 1e12, 1.0])
    with pytest.raises(AccountingError, match="does not close"):
        run([1e300] * 5, market)


@pytest.mark.parametrize("weights", [[1.0, 1.0], [[1.0, 1.0]] * 3, [1.0, math.inf, 0.0]])
def test_weights_that_cannot_be_followed_are_refused(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="weight"):
        run(weights, bars([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("capital", [0.0, -1.0, math.nan, math.inf])
def test_an_account_needs_capital(capital: float) -> None:
    with pytest.raises(ConfigError, match="capital"):
        backtest(np.ones((2, 1)), bars([1.0, 2.0]), CostProfile(), ExecutionLimits(), capital=capital)
