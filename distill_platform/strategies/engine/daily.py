"""Days: the engine's own account of each UTC day, from its ledger of cash and positions, not from the steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.stats import utc_days
from distill_platform.strategies.bundles.tables import DAILY
from distill_platform.strategies.engine.book import Book
from distill_platform.strategies.engine.kernel import Column


def daily_table(book: Book, closed: npt.NDArray[np.int64]) -> pa.Table:
    """Return one row per UTC day that has bars; a bar that ends at midnight belongs to the day before.

    `ret_net` is the ledger at the day's last bar over the ledger at the day before's, less 1, and 0 once nothing is
    left; `fee` sums what each bar paid as a fraction of its starting equity; `n_trades` counts the round trips that
    ended that day, at the bars `closed`, those that the end of the run closed included.
    """
    days = utc_days(book.bars.ts.astype("datetime64[ns]"))
    first = np.flatnonzero(np.diff(days.astype(np.int64), prepend=-1))
    ledger = book.column(Column.LEDGER)[np.append(first[1:], len(days)) - 1]
    before = np.append(book.column(Column.START)[:1], ledger[:-1])
    columns = {
        "day": pa.array(days[first]),
        "ret_net": np.divide(ledger - before, before, out=np.zeros(len(first)), where=before > 0.0),
        "fee": np.add.reduceat(book.fraction(Column.FEE), first),
        "n_trades": np.bincount(np.searchsorted(first, closed, side="right") - 1, minlength=len(first)),
    }
    return pa.table(columns, schema=DAILY.columns)
