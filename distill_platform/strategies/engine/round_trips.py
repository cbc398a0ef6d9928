"""Round trips: the second kernel, from fills to trades. A trade runs from flat to flat; a flip ends one, begins one.

Every step's gains and costs of a symbol go to the trade that was open then, as fractions of the account's equity at
the step's start. On a flip, what was held until the fill belongs to the old trade and what is held after it to the new
one; fee and slippage are shared by the lots that closed and those that opened. So trades sum to the steps.
"""

from __future__ import annotations

import math
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
_SYMBOL, _OPENED, _CLOSED, _SIDE = int(Field.SYMBOL), int(Field.OPENED), int(Field.CLOSED), int(Field.SIDE)
_MOST, _IN_LOTS, _IN_VALUE = int(Field.MOST), int(Field.IN_LOTS), int(Field.IN_VALUE)
_OUT_LOTS, _OUT_VALUE = int(Field.OUT_LOTS), int(Field.OUT_VALUE)
_FEE, _SLIPPAGE, _PNL = int(Field.FEE), int(Field.SLIPPAGE), int(Field.PNL)


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
    now = np.zeros((symbols, _FIELDS))
    lots = np.zeros(symbols)
    marks = np.zeros(symbols)
    size = lot if lot > 0.0 else 1.0
    count = 0
    for t in range(last + 1):
        unit = size / equity[t]
        for n in range(symbols):
            mark, position, change = marks[n], lots[n], changes[t, n]
            close = closes[t, n] if closes[t, n] > 0.0 else mark
            marks[n] = close
            if position == 0.0 and change == 0.0:
                continue
            now[n, _PNL] -= abs(position) * mark * unit * funding[t]
            if change != 0.0:
                fill = fills[t, n]
                now[n, _PNL] += position * (fill - mark) * unit
                mark = fill
                closing = _closing(position, change)
                if closing != 0.0:
                    _enter(now, n, closing, position, fill, unit, fee, slippage)
                    position += closing
                    change -= closing
                    if position == 0.0:
                        _end(now, n, t, trades, count)
                        count += 1
                if change != 0.0:
                    if position == 0.0:
                        now[n, _OPENED] = t
                        now[n, _SIDE] = math.copysign(1.0, change)
                    _enter(now, n, change, position, fill, unit, fee, slippage)
                    position += change
                lots[n] = position
            now[n, _PNL] += position * (close - mark) * unit
    for n in range(symbols):
        if lots[n] != 0.0:
            now[n, _OUT_LOTS] += abs(lots[n])
            now[n, _OUT_VALUE] += abs(lots[n]) * marks[n]
            _end(now, n, last, trades, count)
            count += 1
    return trades[:count]


@kernel
def _closing(position: float, change: float) -> float:
    """Return the part of a change that takes a position toward zero, at most to zero."""
    if position * change >= 0.0:
        return 0.0
    return change if abs(change) < abs(position) else -position


@kernel
def _enter(
    now: Matrix, n: int, change: float, position: float, fill: float, unit: float, fee: float, slippage: float
) -> None:
    """Enter one fill into the open trade of symbol n: its lots, its value, what it cost."""
    traded = abs(change) * fill * unit
    now[n, _FEE] += traded * fee
    now[n, _SLIPPAGE] += traded * slippage
    now[n, _PNL] -= traded * (fee + slippage)
    if position * change >= 0.0:
        now[n, _IN_LOTS] += abs(change)
        now[n, _IN_VALUE] += abs(change) * fill
        now[n, _MOST] = max(now[n, _MOST], abs(position + change))
    else:
        now[n, _OUT_LOTS] += abs(change)
        now[n, _OUT_VALUE] += abs(change) * fill


@kernel
def _end(now: Matrix, n: int, bar: int, trades: Matrix, count: int) -> None:
    """Write the open trade of symbol n down as ended in that bar, and begin with nothing."""
    now[n, _SYMBOL] = n
    now[n, _CLOSED] = bar
    for field in range(_FIELDS):
        trades[count, field] = now[n, field]
        now[n, field] = 0.0
