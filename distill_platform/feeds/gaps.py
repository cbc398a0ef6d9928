"""Gaps: bars that a feed should have and does not, and bars in which nothing was traded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.feeds.moments import from_nanoseconds, nanoseconds

_PRICES = ("open", "high", "low", "close")

Stamps = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gap:
    """A symbol's bars that are missing one after another: the first ends at `start`, the last at `end`.

    An outage is a gap that all symbols of the feed share, where it has several, or one that is longer than allowed.
    """

    symbol: str
    start: datetime
    end: datetime
    missing: int
    is_outage: bool


def find_gaps(
    bars: pa.Table, symbols: Sequence[str], span: tuple[datetime, datetime], interval: timedelta, longest: int
) -> tuple[Gap, ...]:
    """Return the gaps of MARKET_BARS against the grid of bars that end in (span[0], span[1]], by symbol and time.

    A gap of more than `longest` bars is an outage, whoever shares it. A symbol without any bar is one long gap.
    """
    grid = _grid(span, interval)
    present = (
        np.stack([np.isin(grid, _ends(bars, symbol)) for symbol in symbols]) if symbols else np.zeros((0, 0), bool)
    )
    shared: Mask = np.logical_and(~present.any(axis=0), len(symbols) > 1)
    return tuple(
        _gap(symbol, grid, run, shared, longest)
        for symbol, has in zip(symbols, present, strict=True)
        for run in _runs(~has)
    )


def _grid(span: tuple[datetime, datetime], interval: timedelta) -> Stamps:
    step = nanoseconds(from_nanoseconds(0) + interval)
    first, last = nanoseconds(span[0]) // step + 1, nanoseconds(span[1]) // step
    return np.arange(first, last + 1, dtype=np.int64) * step


def _ends(bars: pa.Table, symbol: str) -> Stamps:
    own = bars.filter(pa.compute.equal(bars["symbol"], symbol))
    ends: Stamps = own["ts_end"].cast(pa.int64()).to_numpy() * 1000
    return ends


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """Return [first, last] of each run of true values."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def _gap(symbol: str, grid: Stamps, run: tuple[int, int], shared: Mask, longest: int) -> Gap:
    first, last = run
    missing = last - first + 1
    is_outage = bool(missing > longest or shared[first : last + 1].all())
    return Gap(symbol, from_nanoseconds(grid[first]), from_nanoseconds(grid[last]), missing, is_outage)


def stale_bars(bars: pa.Table) -> Mask:
    """Return which MARKET_BARS, shape (T,), say that nothing happened: no volume, and one price throughout.

    Such a bar is a fact of its feed, but often the feed's way to fill a hole: the price is the last one repeated.
    """
    first, *others = (bars[name].to_numpy() for name in _PRICES)
    same = np.logical_and.reduce([first == other for other in others])
    stale: Mask = same & (bars["volume"].to_numpy() == 0.0)
    return stale
