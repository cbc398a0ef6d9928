"""A market: the bars of a backtest, what to compare it with, and where both came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from distill_platform.core.canon import sha256_hex, sig_hash
from distill_platform.core.errors import SourceError
from distill_platform.core.utc import EARLIEST
from distill_platform.stats import utc_days
from distill_platform.strategies.bars import Bars


@dataclass(frozen=True, eq=False)
class Market:
    """Bars under the name of their preset; `benchmark` are its prices, shape (T,), None where none came with them."""

    preset: str
    bars: Bars
    benchmark: npt.NDArray[np.float64] | None = None

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all numbers that a run on this market sees."""
        benchmark = None if self.benchmark is None else sha256_hex(self.benchmark.astype("<f8").tobytes())
        return sig_hash({"bars": self.bars.fingerprint, "benchmark": benchmark})

    @property
    def start(self) -> datetime:
        """Return the end of the first bar."""
        return _moment(int(self.bars.ts[0]))

    @property
    def end(self) -> datetime:
        """Return the end of the last bar: the latest moment that a run on this market knows of."""
        return _moment(int(self.bars.ts[-1]))

    def between(self, first: date | None, last: date | None) -> Market:
        """Return the market of the bars that cover the UTC days from `first` to `last`, both included.

        Raises SourceError when there are none.
        """
        days = utc_days(self.bars.ts.astype("datetime64[ns]"))
        start = 0 if first is None else int(np.searchsorted(days, np.datetime64(first, "D"), side="left"))
        stop = len(days) if last is None else int(np.searchsorted(days, np.datetime64(last, "D"), side="right"))
        if start >= stop:
            hint = f"It has bars from {days[0]} to {days[-1]}"
            raise SourceError(f"{self.preset} has no bar from {first or days[0]} to {last or days[-1]}", hint=hint)
        benchmark = None if self.benchmark is None else self.benchmark[start:stop]
        return replace(self, bars=self.bars.rows(start, stop), benchmark=benchmark)


def _moment(nanoseconds: int) -> datetime:
    return EARLIEST + timedelta(microseconds=nanoseconds // 1000)
