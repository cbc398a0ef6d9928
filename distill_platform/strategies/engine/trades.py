"""Trades: round trips of one symbol from flat to flat, as the bundle's `trades` table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.strategies.bundles.tables import TRADES
from distill_platform.strategies.engine.book import Book
from distill_platform.strategies.engine.kernel import Column, Matrix
from distill_platform.strategies.engine.round_trips import Field, round_trips
from distill_platform.strategies.engine.steps import stamps

_BPS = 1e-4


def find_trades(book: Book) -> Matrix:
    """Return the round trips in the order in which they were opened, with the columns of `Field`."""
    fills = int(np.count_nonzero(book.changes))
    found = round_trips(
        book.changes, book.fills, book.bars.close, book.funding, book.column(Column.START).copy(),
        book.costs.fee_bps * _BPS, book.costs.slippage_bps * _BPS, float(book.limits.lot_size), book.last, fills,
    )  # fmt: skip
    return found[np.lexsort((found[:, Field.SYMBOL], found[:, Field.OPENED]))]


def trades_table(book: Book, found: Matrix) -> pa.Table:
    """Return one row per round trip, in the order in which they were opened; a flip ends one trade and begins another.

    `pnl` is what the trade made in each bar after all costs, as a fraction of the account's equity at that bar's
    start, summed: so trades sum to the steps. `fee` and `slippage` are summed alike. `qty` is the largest position
    held, prices are averages over the fills that entered and left. A trade still open at the end is closed at the last
    mark, without cost, and a ruined account's trades are closed on the bar that ruined it.
    """
    opened, closed = found[:, Field.OPENED].astype(int), found[:, Field.CLOSED].astype(int)
    columns = {
        "trade_id": pc.binary_join_element_wise("t", pa.array(np.arange(len(found))).cast(pa.string()), ""),
        "ts_open": stamps(book.bars.ts[opened]),
        "ts_close": stamps(book.bars.ts[closed]),
        "symbol": pa.array(book.bars.symbols).take(pa.array(found[:, Field.SYMBOL].astype(int))),
        "side": pa.array(["long", "short"]).take(pa.array((found[:, Field.SIDE] < 0).astype(int))),
        "qty": found[:, Field.MOST] * book.lot,
        "price_open": found[:, Field.IN_VALUE] / found[:, Field.IN_LOTS],
        "price_close": found[:, Field.OUT_VALUE] / found[:, Field.OUT_LOTS],
        "fee": found[:, Field.FEE],
        "slippage": found[:, Field.SLIPPAGE],
        "pnl": found[:, Field.PNL],
    }
    return pa.table(columns, schema=TRADES.columns)
