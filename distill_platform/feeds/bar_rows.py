"""Bar rows: bars as a source wrote them, each one checked before it may become a fact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.feeds.market_bars import MOMENT
from distill_platform.feeds.moments import Moments, from_nanoseconds, nanoseconds
from distill_platform.feeds.numbers import Floats
from distill_platform.feeds.parsed import BAR_ROWS, Parsed
from distill_platform.feeds.rejected import Origin, Reason, Rejected

NUMBERS = ("open", "high", "low", "close", "volume")
_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(5)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class WrittenBars:
    """Bars as they were written: `ends` of the bars, `symbols` as ours (None: unknown), `numbers` (n, 5).

    `numbers` are in the order of NUMBERS, NaN where there was none. `place` and `row` say where row i stands and what
    it says.
    """

    symbols: Sequence[str | None]
    ends: Moments
    numbers: Floats
    place: Callable[[int], str]
    row: Callable[[int], str]


def read_bars(written: WrittenBars, interval: timedelta, origin: Origin) -> Parsed:
    """Return the rows that are bars, and the others with the first reason that rules each of them out.

    A bar ends on the grid of its interval (counted from midnight UTC) and not after the bytes were fetched; its
    symbol is known; its numbers are finite, its prices positive, its low and high enclose the others, its volume is
    not negative. Duplicates stay: they are settled over all bodies of a day.
    """
    refused = {row: (refusal.reason, refusal.detail) for row, refusal in written.ends.refused.items()}
    for reason, wrong, detail in _laws(written, interval, origin.known_until):
        for row in np.flatnonzero(wrong).tolist():
            refused.setdefault(row, (reason, detail))
    kept = np.setdiff1d(np.arange(len(written.symbols)), np.fromiter(refused, np.int64, len(refused)))
    rejected = [_rejected(written, row, refused[row], origin) for row in sorted(refused)]
    return Parsed(_table(written, kept, origin), tuple(rejected), len(written.symbols))


def _laws(written: WrittenBars, interval: timedelta, until: datetime) -> list[tuple[Reason, Mask, str]]:
    """Return what a bar must not be, in the order in which it is looked at."""
    ends, numbers = written.ends.stamps, written.numbers
    length, known = interval // timedelta(microseconds=1) * 1000, nanoseconds(until)
    unknown = np.fromiter((symbol is None for symbol in written.symbols), np.bool_, len(written.symbols))
    prices = numbers[:, :_VOLUME]
    with np.errstate(invalid="ignore"):
        crossed = (prices.min(axis=1) < numbers[:, _LOW]) | (prices.max(axis=1) > numbers[:, _HIGH])
        return [
            (Reason.UNKNOWN_SYMBOL, unknown, "the feed declares no such symbol"),
            (Reason.OFF_GRID, ends % length != 0, f"the bar does not end on a multiple of {interval}"),
            (Reason.IN_THE_FUTURE, ends - length > known, "the bar begins after the bytes were fetched"),
            (Reason.UNFINISHED_BAR, ends > known, "the bar was not over when the bytes were fetched"),
            (Reason.NOT_A_NUMBER, ~np.isfinite(numbers).all(axis=1), "a price or the volume is not a finite number"),
            (Reason.PRICE_NOT_POSITIVE, (prices <= 0.0).any(axis=1), "a price is not above 0"),
            (Reason.PRICES_CROSSED, crossed, "low or high does not enclose the other prices"),
            (Reason.NEGATIVE_VOLUME, numbers[:, _VOLUME] < 0.0, "the volume is negative"),
        ]


def _rejected(written: WrittenBars, row: int, why: tuple[Reason, str], origin: Origin) -> Rejected:
    at = None if row in written.ends.refused else from_nanoseconds(int(written.ends.stamps[row]))
    reason, detail = why
    return origin.reject(reason, detail, written.place(row), written.row(row), at)


def _table(written: WrittenBars, kept: npt.NDArray[np.int64], origin: Origin) -> pa.Table:
    symbols = [written.symbols[row] for row in kept.tolist()]
    columns: list[Any] = [pa.array(symbols, pa.string()), _moments(written.ends.stamps[kept])]
    columns += [pa.array(written.numbers[kept, number]) for number in range(len(NUMBERS))]
    columns += [pa.repeat(pa.scalar(text), len(kept)) for text in (origin.source, origin.raw_sha256)]
    columns.append(pa.array([written.place(row) for row in kept.tolist()], pa.string()))
    table = pa.table(columns, schema=BAR_ROWS)
    return table.sort_by([("ts_end", "ascending"), ("symbol", "ascending"), ("place", "ascending")])


def _moments(stamps: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(stamps // 1000).cast(MOMENT)
