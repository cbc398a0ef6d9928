"""Orders: what became of every order, as the bundle's `orders` table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.strategies.bundles.tables import ORDERS
from distill_platform.strategies.engine.book import Book
from distill_platform.strategies.engine.outcomes import Outcome
from distill_platform.strategies.engine.steps import stamps

_REASONS = [None if outcome <= Outcome.FILLED else outcome.name.lower() for outcome in Outcome]
_STATUSES = ["rejected", "partial", "filled"]


def orders_table(book: Book) -> pa.Table:
    """Return one row per order, by the bar in which it would fill and then by symbol.

    `status` is filled, partial or rejected; `reject_reason` says what cut or refused it: max_notional,
    max_participation, below_min_notional, no_price, no_volume or no_equity. An order is its bar's only: what it left
    unfilled is decided anew at the next close.
    """
    bars, symbols = np.nonzero(book.outcomes)
    codes = book.outcomes[bars, symbols]
    traded = book.changes[bars, symbols] != 0.0
    names = pa.array(book.bars.symbols).take(pa.array(symbols))
    columns = {
        "ts": stamps(book.bars.ts[bars]),
        "order_id": pc.binary_join_element_wise(pa.array(bars).cast(pa.string()), names, "-"),
        "symbol": names,
        "status": pa.array(_STATUSES).take(pa.array(np.where(traded, 1 + (codes == Outcome.FILLED), 0))),
        "reject_reason": pa.array(_REASONS, pa.string()).take(pa.array(codes)),
    }
    return pa.table(columns, schema=ORDERS.columns)
