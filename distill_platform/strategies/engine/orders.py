"""Orders: what became of every order, as the bundle's `orders` table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

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
    unfilled is decided anew at the next close. `order_id` is bar * N + symbol, its
    place among all that could have been.
    """
    codes = book.outcomes.ravel()
    places = np.flatnonzero(codes)
    codes = codes[places]
    bars, symbols = np.divmod(places, len(book.bars.symbols))
    traded = book.changes.ravel()[places] != 0.0
    columns = {
        "ts": stamps(book.bars.ts[bars]),
        "order_id": pa.array(places).cast(pa.string()),
        "symbol": pa.array(book.bars.symbols).take(pa.array(symbols)),
        "status": pa.array(_STATUSES).take(pa.array(np.where(traded, 1 + (codes == Outcome.FILLED), 0))),
        "reject_reason": pa.array(_REASONS, pa.string()).take(pa.array(codes)),
    }
    return pa.table(columns, schema=ORDERS.columns)
