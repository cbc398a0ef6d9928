"""Steps: what each bar made, cost, held and traded, as the bundle's `steps` table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from distill_platform.strategies.bars import Stamps
from distill_platform.strategies.bundles.tables import STEPS
from distill_platform.strategies.engine.book import Book
from distill_platform.strategies.engine.kernel import Column, Matrix

ADV_BARS = 20


def steps_table(book: Book, benchmark: Matrix) -> pa.Table:
    """Return one row per bar, the first included, though nothing can have been decided before it.

    `ret_net` is `ret_gross` less fee, slippage and funding; all are fractions of the equity at the bar's start.
    `exposure` is what is held, long and short, over equity at the bar's end; `turnover` what was traded over equity at
    its start. Of the symbols traded in a bar, `participation` is the largest share of a symbol's volume in that bar,
    and `adv_utilization` that of its average volume over the 20 bars before; without volumes both are left out.
    `benchmark` are the benchmark's returns, shape (T,).
    """
    columns = {
        "ts_end": stamps(book.bars.ts),
        "ret_gross": book.fraction(Column.GROSS),
        "fee": book.fraction(Column.FEE),
        "slippage": book.fraction(Column.SLIPPAGE),
        "funding": book.fraction(Column.FUNDING),
        "ret_net": book.ret_net,
        "exposure": _exposure(book),
        "turnover": book.fraction(Column.TRADED),
        **_shares_of_volume(book),
        "benchmark_ret": benchmark,
    }
    return pa.table(columns, schema=pa.schema([STEPS.columns.field(name) for name in columns]))


def stamps(nanoseconds: Stamps) -> pa.Array:
    """Return moments as the bundle's tables write them: UTC, to the microsecond."""
    return pa.array(nanoseconds.astype("datetime64[ns]"), pa.timestamp("ns", tz="UTC")).cast(
        pa.timestamp("us", tz="UTC"), safe=False
    )


def _exposure(book: Book) -> Matrix:
    end = book.column(Column.END)
    return np.divide(book.column(Column.NOTIONAL), end, out=np.zeros(len(end)), where=end > 0.0)


def _shares_of_volume(book: Book) -> dict[str, Matrix]:
    if book.bars.volume is None:
        return {}
    units = np.abs(book.changes) * book.lot
    of_bar = np.divide(units, book.bars.volume, out=np.zeros_like(units), where=units > 0.0)
    average = _average_volume(book.bars.volume)
    of_average = np.divide(units, average, out=of_bar.copy(), where=(units > 0.0) & (average > 0.0))
    return {"adv_utilization": of_average.max(axis=1), "participation": of_bar.max(axis=1)}


def _average_volume(volume: Matrix) -> Matrix:
    """Return the mean volume of up to `ADV_BARS` bars before each bar, 0 for the first; a missing bar counts as 0."""
    total = np.zeros((len(volume) + 1, volume.shape[1]))
    np.cumsum(np.nan_to_num(volume), axis=0, out=total[1:])
    rows = np.arange(len(volume))
    since = np.maximum(rows - ADV_BARS, 0)
    average: Matrix = (total[rows] - total[since]) / np.maximum(rows - since, 1)[:, None]
    return average
