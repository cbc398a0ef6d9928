"""Bar grid: market bars by UTC time, one row per interval whether anybody traded in it or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import BarsError
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.models.frames import Flags, Floats, Integers
from distill_platform.strategies.bars import FIELDS, Bars, Panel

_MOST_CELLS = 100_000_000
_NS_PER_US = 1_000


@dataclass(frozen=True, eq=False)
class BarGrid:
    """T moments of N symbols, a fixed interval apart; `bars` is NaN in all five fields where there is no bar.

    The row of a moment follows from the clock, never from how many bars came before it: an outage is rows of NaN.
    Before the first row nothing is known, which is the same as an outage. Symbols stand in alphabetical order.

    Raises BarsError for moments off the grid or not a whole interval apart, symbols in another order, a field that is
    not there, and a bar of which only a part is there.
    """

    bars: Bars
    interval_ns: int

    def __post_init__(self) -> None:
        """Check what a grid demands beyond what bars do."""
        if self.interval_ns <= 0:
            raise BarsError(f"the interval of a grid is {self.interval_ns} ns, not positive")
        if (self.ts % self.interval_ns).any() or (np.diff(self.ts) != self.interval_ns).any():
            raise BarsError(
                f"the moments of a grid are not all multiples of {self.interval_ns} ns, one after the other"
            )
        if list(self.symbols) != sorted(self.symbols):
            raise BarsError(f"the symbols of a grid stand in the order {list(self.symbols)[:5]}, not the alphabetical")
        for name in FIELDS:
            if getattr(self.bars, name) is None or (np.isnan(self.field(name)) != self.is_missing).any():
                raise BarsError(f"{name} is not there for just the bars that have a close")

    def __len__(self) -> int:
        """Return the number of moments T."""
        return len(self.bars)

    @property
    def ts(self) -> Integers:
        """Return when the bars end, nanoseconds since 1970 UTC, shape (T,)."""
        return self.bars.ts

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the N symbols."""
        return self.bars.symbols

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of moments, symbols and numbers."""
        return self.bars.fingerprint

    def field(self, name: str) -> Panel:
        """Return open, high, low, close or volume, shape (T, N)."""
        values: Panel = getattr(self.bars, name)
        return values

    @cached_property
    def is_missing(self) -> Flags:
        """Return where there is no bar, shape (T, N)."""
        missing: Flags = np.isnan(self.bars.close)
        return missing

    @cached_property
    def is_stale(self) -> Flags:
        """Return where a bar says nothing new: no volume, or the four prices of the bar before; shape (T, N)."""
        unchanged = np.ones(self.is_missing.shape, bool)
        unchanged[0] = False
        for name in ("open", "high", "low", "close"):
            unchanged[1:] &= self.field(name)[1:] == self.field(name)[:-1]
        stale: Flags = unchanged | (self.field("volume") == 0.0)
        return stale

    def is_outage(self, bars: int) -> Flags:
        """Return where a symbol has had no bar for that many moments in a row, or no symbol has one; shape (T, N).

        The first moments of a long gap are not flagged unless all symbols share it: nobody could know then.
        """
        before = np.ones((bars, len(self.symbols)), np.int64)
        gone = np.cumsum(np.concatenate([before, self.is_missing]), axis=0)
        outage: Flags = (gone[bars:] - gone[:-bars] == bars) | self.is_missing.all(axis=1, keepdims=True)
        return outage

    def rows(self, start: int, stop: int) -> BarGrid:
        """Return the moments [start, stop), as a grid of its own; BarsError for none."""
        return BarGrid(self.bars.rows(start, stop), self.interval_ns)

    def until(self, ts: int) -> BarGrid:
        """Return the grid up to the moment `ts`, itself included: all that was known then; BarsError for nothing."""
        return self.rows(0, int(np.searchsorted(self.ts, ts, "right")))

    def to_bars(self) -> Bars:
        """Return the moments at which at least one symbol has a bar, as the panel that the backtest engine takes."""
        traded = np.flatnonzero(~self.is_missing.all(axis=1))
        fields = {name: self.field(name)[traded] for name in FIELDS}
        return Bars(self.ts[traded], self.symbols, **fields)


def bar_grid(
    table: pa.Table,
    interval_ns: int,
    symbols: Iterable[str],
    *,
    first_ts: int | None = None,
    last_ts: int | None = None,
) -> BarGrid:
    """Return the grid of some symbols of a MARKET_BARS table, by default from its first bar to its last.

    `first_ts` and `last_ts` are the ends of the first and the last bar that the grid is to have, whether there are such
    bars or not; bars outside, and those of other symbols, are left out. A symbol that has no bar is a column of NaN.

    Raises BarsError for a table that is not sorted by (ts_end, symbol), holds a key twice, a null or a number that no
    bar has, a bar that ends between two moments, and a grid of no moments or of far too many.
    """
    columns = tuple(sorted(set(symbols)))
    own = _own_rows(table, columns)
    stamps = np.array(own["ts_end"].cast(pa.int64())) * _NS_PER_US
    first, last = _ends(stamps, interval_ns, first_ts, last_ts)
    count = (last - first) // interval_ns + 1  # np.arange divides in floats, which loses the last moment
    if count <= 0 or count * len(columns) > _MOST_CELLS:
        hint = "A single wrong stamp stretches a grid over decades" if count > 0 else ""
        raise BarsError(f"a grid from {first} to {last} ns would have {max(count, 0):,} moments", hint=hint)
    ts = first + interval_ns * np.arange(count, dtype=np.int64)
    inside = (stamps >= first) & (stamps <= last)
    rows = (stamps[inside] - first) // interval_ns
    places = np.searchsorted(np.array(columns), np.array(own["symbol"], dtype=str)[inside])
    fields = {name: _panel(own, name, inside, rows, places, (len(ts), len(columns))) for name in FIELDS}
    return BarGrid(Bars(ts, columns, **fields), interval_ns)


def _own_rows(table: pa.Table, symbols: tuple[str, ...]) -> pa.Table:
    """Return the rows of the symbols, after a look at all of the table: its columns, nulls, order and keys."""
    lacking = [name for name in MARKET_BARS.names if name not in table.column_names]
    if lacking:
        raise BarsError(f"the table of bars has no column {lacking[0]!r}")
    bars = table.select(MARKET_BARS.names).cast(MARKET_BARS).combine_chunks()
    if any(column.null_count for column in bars.columns):
        raise BarsError("the table of bars holds a null", hint="A bar that does not exist is not a row")
    stamps, names = bars["ts_end"].cast(pa.int64()), bars["symbol"]
    later = pc.greater(stamps[1:], stamps[:-1])
    next_name = pc.and_(pc.equal(stamps[1:], stamps[:-1]), pc.greater(names[1:], names[:-1]))
    if len(bars) > 1 and not pc.all(pc.or_(later, next_name)).as_py():
        row = pc.index(pc.or_(later, next_name), False).as_py() + 1
        raise BarsError(f"row {row} of the table of bars is not after the one before, by (ts_end, symbol)")
    return bars.filter(pc.is_in(names, pa.array(symbols, pa.string())))


def _ends(stamps: Integers, interval_ns: int, first_ts: int | None, last_ts: int | None) -> tuple[int, int]:
    if interval_ns <= 0:
        raise BarsError(f"the interval of a grid is {interval_ns} ns, not positive")
    if len(stamps) == 0 and (first_ts is None or last_ts is None):
        raise BarsError("there are no bars of these symbols", hint="Say where the grid begins and where it ends")
    beside = np.flatnonzero(stamps % interval_ns)
    if len(beside):
        stamp = int(stamps[beside[0]])
        raise BarsError(f"a bar ends at {stamp} ns, which is not a multiple of the interval {interval_ns} ns")
    first = int(stamps[0]) if first_ts is None else first_ts
    return first, int(stamps[-1]) if last_ts is None else last_ts


def _panel(
    own: pa.Table, name: str, inside: Flags, rows: Integers, places: npt.NDArray[np.intp], shape: tuple[int, int]
) -> Floats:
    values = np.array(own[name])[inside]
    if not np.isfinite(values).all():
        raise BarsError(f"{name} of a bar is not finite")
    panel = np.full(shape, np.nan)
    panel[rows, places] = values
    return panel
