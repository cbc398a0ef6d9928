"""The kernel: one pass over the bars, from target weights to orders, fills, costs and equity.

A decision is taken at the close of bar t - 1, with the equity and the prices of that close, and fills in bar t, at a
price nobody knew when deciding. Two books are kept that share nothing but prices and quantities: equity, carried on
by what each step made and cost, and cash plus positions. Whoever calls compares them.

Per bar, in the currency of the prices: the columns of `Column`. Positions are counted in lots, so that a multiple of
the lot size stays one however often it is traded.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel
from distill_platform.strategies.engine.outcomes import Outcome

Matrix = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]


class Column(IntEnum):
    """What `simulate` writes down of each bar."""

    START = 0
    GROSS = 1
    FEE = 2
    SLIPPAGE = 3
    FUNDING = 4
    TRADED = 5
    NOTIONAL = 6
    END = 7
    LEDGER = 8


_COLUMNS = len(Column)
_START, _GROSS, _FEE, _SLIPPAGE, _FUNDING, _TRADED, _NOTIONAL, _END, _LEDGER = (int(column) for column in Column)
_NO_ORDER, _FILLED = int(Outcome.NO_ORDER), int(Outcome.FILLED)
_MAX_NOTIONAL, _MAX_PARTICIPATION = int(Outcome.MAX_NOTIONAL), int(Outcome.MAX_PARTICIPATION)
_BELOW_MIN, _NO_PRICE = int(Outcome.BELOW_MIN_NOTIONAL), int(Outcome.NO_PRICE)
_NO_VOLUME, _NO_EQUITY = int(Outcome.NO_VOLUME), int(Outcome.NO_EQUITY)


@kernel
def simulate(
    weights: Matrix,
    fills: Matrix,
    closes: Matrix,
    volumes: Matrix,
    funding: Matrix,
    capital: float,
    fee: float,
    slippage: float,
    lot: float,
    min_notional: float,
    max_notional: float,
    participation: float,
    band: float,
) -> tuple[Matrix, Matrix, Codes]:
    """Return what each bar did, shape (T, 9), and per bar and symbol the lots traded and the outcome's code, (T, N).

    `weights`, `fills`, `closes` and `volumes` have shape (T, N); NaN is no target, no price, no volume; no volumes at
    all have shape (0, N). `funding`, shape (T,), is the rate from the bar before to this one; `fee` and `slippage` are
    fractions of the traded notional. With `lot` 0, a lot is one unit and may be any fraction. A symbol without a price
    keeps its last one. Equity at or below zero ends it: all is closed at the marks, and nothing trades again.
    """
    bars, symbols = closes.shape
    book = np.zeros((bars, _COLUMNS))
    changes = np.zeros((bars, symbols))
    outcomes = np.zeros((bars, symbols), np.int8)
    lots = np.zeros(symbols)
    marks = np.zeros(symbols)
    size = lot if lot > 0.0 else 1.0
    equity = cash = capital
    for t in range(bars):
        gross = traded = spent = held = notional = value = 0.0
        for n in range(symbols):
            mark, position, fill = marks[n], lots[n], fills[t, n]
            close = closes[t, n] if closes[t, n] > 0.0 else mark
            held += abs(position) * mark
            if t > 0:
                change, outcome = _order(
                    weights[t - 1, n], equity, mark * size, position, fill * size, lot > 0.0, band, max_notional
                )
                if change != 0.0 and volumes.shape[0] > 0:
                    change, outcome = _within_volume(change, outcome, volumes[t, n] / size, participation, lot > 0.0)
                if change != 0.0 and abs(change) * fill * size < min_notional:
                    change, outcome = 0.0, _BELOW_MIN
                outcomes[t, n] = outcome
                if change != 0.0:
                    changes[t, n] = change
                    gross += position * (fill - mark)
                    traded += abs(change) * fill
                    spent += change * fill
                    position += change
                    lots[n] = position
                    mark = fill
            gross += position * (close - mark)
            notional += abs(position) * close
            value += position * close
            marks[n] = close
        gross, traded, spent, held = gross * size, traded * size, spent * size, held * size
        book[t, _START] = equity
        book[t, _GROSS] = gross
        book[t, _FEE] = traded * fee
        book[t, _SLIPPAGE] = traded * slippage
        book[t, _FUNDING] = held * funding[t]
        book[t, _TRADED] = traded
        costs = book[t, _FEE] + book[t, _SLIPPAGE] + book[t, _FUNDING]
        cash -= spent + costs
        equity += gross - costs
        book[t, _END] = equity
        book[t, _LEDGER] = cash + value * size
        book[t, _NOTIONAL] = notional * size
        if not equity > 0.0 and held + traded > 0.0:
            book[t, _NOTIONAL] = 0.0
            cash += value * size
            lots[:] = 0.0
    return book, changes, outcomes


@kernel
def _order(
    weight: float,
    equity: float,
    mark: float,
    position: float,
    fill: float,
    whole: bool,
    band: float,
    max_notional: float,
) -> tuple[float, int]:
    """Return the lots to trade and what became of the order; `mark` and `fill` are the prices of a lot."""
    if math.isnan(weight) or (weight == 0.0 and position == 0.0):
        return 0.0, _NO_ORDER
    if not equity > 0.0:
        return 0.0, _NO_EQUITY
    if mark == 0.0:
        return 0.0, _NO_PRICE
    wanted = weight * equity
    if weight != 0.0 and abs(wanted - position * mark) < band * equity:
        return 0.0, _NO_ORDER
    target = wanted / mark
    change = (np.trunc(target) if whole else target) - position
    if change == 0.0:
        return 0.0, _NO_ORDER
    if not fill > 0.0:
        return 0.0, _NO_PRICE
    if abs(change) * fill > max_notional:
        return _cut(change, max_notional / fill, whole), _MAX_NOTIONAL
    return change, _FILLED


@kernel
def _within_volume(change: float, outcome: int, volume: float, participation: float, whole: bool) -> tuple[float, int]:
    if not volume > 0.0:
        return 0.0, _NO_VOLUME
    most = volume * participation
    if abs(change) > most:
        return _cut(change, most, whole), _MAX_PARTICIPATION
    return change, outcome


@kernel
def _cut(change: float, most: float, whole: bool) -> float:
    return math.copysign(np.floor(most) if whole else most, change)
