"""Parsed: what one body of a source holds, row by row, before days and duplicates are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.moments import nanoseconds
from distill_platform.feeds.rejected import Rejected

_EVERY_DAY = -1

BAR_ROWS = pa.schema(
    [*MARKET_BARS, pa.field("raw_sha256", pa.string(), nullable=False), pa.field("place", pa.string(), nullable=False)]
)
"""Market bars with where they were read: the stored bytes, and the line or item within them."""


@dataclass(frozen=True)
class Parsed:
    """Rows that may be taken (BAR_ROWS or RAW_EVENTS, sorted by time) and rows that may not, each with its reason.

    `rows_in` = rows + rejected + off_topic: `off_topic` are well-formed reports that the feed did not ask for. `is_cut`
    says that the source gave as many as it ever gives, so that there may be more.
    """

    rows: pa.Table
    rejected: tuple[Rejected, ...]
    rows_in: int
    off_topic: int = 0
    is_cut: bool = False

    @cached_property
    def _times(self) -> npt.NDArray[np.int64]:
        """Return what decides each row's day, in nanoseconds: the end of a bar, the moment a report is available."""
        name = "ts_end" if "ts_end" in self.rows.column_names else "available_at"
        times: npt.NDArray[np.int64] = self.rows[name].cast(pa.int64()).to_numpy() * 1000
        return times

    @cached_property
    def _rejected_times(self) -> npt.NDArray[np.int64]:
        times = [_EVERY_DAY if row.at is None else nanoseconds(row.at) for row in self.rejected]
        return np.array(times, np.int64)

    def within(self, start: int, end: int) -> Parsed:
        """Return the rows whose time lies in [start, end), nanoseconds since 1970; and rejected ones without a time."""
        first, last = np.searchsorted(self._times, [start, end]).tolist()
        own = (self._rejected_times >= start) & (self._rejected_times < end)
        own |= self._rejected_times == _EVERY_DAY
        rejected = tuple(self.rejected[row] for row in np.flatnonzero(own).tolist())
        return Parsed(self.rows.slice(first, last - first), rejected, last - first + len(rejected))

    def with_rejected(self, rejected: Iterable[Rejected]) -> Parsed:
        """Return this with rows that could not even be taken apart."""
        more = tuple(rejected)
        return replace(self, rejected=(*self.rejected, *more), rows_in=self.rows_in + len(more))
