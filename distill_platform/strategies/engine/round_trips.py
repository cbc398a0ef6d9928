"""Round trips: the second kernel, from fills to trades. A trade runs from flat to flat; a flip ends one, begins one.

Every step's gains and costs of a symbol go to the trade that was open then, as fractions of the account's equity at
the step's start. On a flip, what was held until the fill belongs to the old trade and what is held after it to the new
one; fee and slippage are shared by the lots that closed and those that opened. So trades sum to the steps.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from distill_platform.core.kernel import kernel

Matrix = npt.NDArray[np.float64]


class Field(IntEnum):
    """What `round_trips` writes down of each trade; prices are sums of price times lots until the caller divides."""

    SYMBOL = 0
    OPENED = 1
    CLOSED = 2
    SIDE = 3
    MOST = 4
    IN_LOTS = 5
    IN_VALUE = 6
    OUT_LOTS = 7
    OUT_VALUE = 8
    FEE = 9
    SLIPPAGE = 10
    PNL = 11


_FIELDS = len(Field)
_SYMBOL, _OPENED, _CLOSED, _SIDE, _MOST = 0, 1, 2, 3, 4
_IN_LOTS, _IN_VALUE, _OUT_LOTS, _OUT_VALUE, _FEE, _SLIPPAGE, _PNL = 5, 6, 7, 8, 9, 10, 11


@kernel
def round_trips(
    changes: Matrix,
    fills: Matrix,
    closes: Matrix,
    funding: Matrix,
    equity: Matrix,
    fee: float,
    slippage: float,
    lot: float,
    last: int,
    most: int,
) -> Matrix:
    """Return the trades in the order in which they ended, one row each, with the columns of `Field`.

    `changes` are the lots that `simulate` traded, `equity` is each bar's starting equity, shape (T,), and `most` a
    number that trades cannot exceed. What is open at the end of bar `last` is closed there, at its mark and free.
    """
    symbols = changes.shape[1]
    trades = np.zeros((most, _FIELDS))
    open_trades = np.zeros((symbols, _FIELDS))
    lots = np.zeros(symbols)
    marks = np.zeros(symbols)
    size = lot if lot > 0.0 else 1.0
    count = 0
    for t in range(last + 1):
        unit = size / equity[t]
        for n in range(symbols):
            mark, position, change, fill = marks[n], lots[n], changes[t, n], fills[t, n]
            close = closes[t, n] if closes[t, n] > 0.0 else mark
            marks[n] = close
            if position == 0.0 and change == 0.0:
                continue
            trade = open_trades[n]
            trade[_PNL] -= abs(position) * mark * unit * funding[t]
            if change != 0.0:
                trade[_PNL] += position * (fill - mark) * unit
                mark = fill
                closing = _closing(position, change)
                if closing != 0.0:
                    _trade(trade, closing, position, fill, unit, fee, slippage)
                    position += closing
                    change -= closing
                    if position == 0.0:
                        _end(trade, n, t, trades, count)
                        count += 1
                if change != 0.0:
                    if position == 0.0:
                        trade[_OPENED] = t
                        trade[_SIDE] = np.sign(change)
                    _trade(trade, change, position, fill, unit, fee, slippage)
                    position += change
                lots[n] = position
            trade[_PNL] += position * (close - mark) * unit
    for n in range(symbols):
        if lots[n] != 0.0:
            trade = open_trades[n]
            trade[_OUT_LOTS] += abs(lots[n])
            trade[_OUT_VALUE] += abs(lots[n]) * marks[n]
            _end(trade, n, last, trades, count)
            count += 1
    return trades[:count]


@kernel
def _closing(position: float, change: float) -> float:
    """Return the part of a change that takes a position toward zero, at most to zero."""
    if position * change >= 0.0:
        return 0.0
    return change if abs(change) < abs(position) else -position


@kernel
def _trade(
    trade: Matrix, change: float, position: float, fill: float, unit: float, fee: float, slippage: float
) -> None:
    """Enter one fill into a trade: its lots, its value, what it cost."""
    traded = abs(change) * fill * unit
    trade[_FEE] += traded * fee
    trade[_SLIPPAGE] += traded * slippage
    trade[_PNL] -= traded * (fee + slippage)
    into = position * change >= 0.0
    trade[_IN_LOTS if into else _OUT_LOTS] += abs(change)
    trade[_IN_VALUE if into else _OUT_VALUE] += abs(change) * fill
    trade[_MOST] = max(trade[_MOST], abs(position + change))


@kernel
def _end(trade: Matrix, symbol: int, bar: int, trades: Matrix, count: int) -> None:
    trade[_SYMBOL] = symbol
    trade[_CLOSED] = bar
    trades[count] = trade
    trade[:] = 0.0
