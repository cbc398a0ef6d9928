"""Steps: the columns of a run's `steps` as arrays, and whether they can be measured at all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from distill_platform.strategies.bundles.bundle import Bundle

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Moments = npt.NDArray[np.datetime64]

_MOST = 1e9  # times the equity, in one step: more is no return, cost or turnover but an error
_LAST_MOMENT = np.datetime64("2262-01-01", "us")  # beyond, nanoseconds since 1970 leave 64 bits


@dataclass(frozen=True, eq=False)
class Steps:
    """What a run did in T steps: arrays of shape (T,), None for an optional column that is not there.

    Returns and costs are fractions of the equity at the start of a step. A value that is null is NaN.
    """

    ts_end: Moments = field(repr=False)
    gross: Floats = field(repr=False)
    fee: Floats = field(repr=False)
    slippage: Floats = field(repr=False)
    funding: Floats = field(repr=False)
    net: Floats = field(repr=False)
    exposure: Floats = field(repr=False)
    turnover: Floats = field(repr=False)
    adv_utilization: Floats | None = field(repr=False)
    participation: Floats | None = field(repr=False)
    benchmark: Floats | None = field(repr=False)

    def __len__(self) -> int:
        return len(self.ts_end)

    @property
    def is_in_order(self) -> bool:
        """Return whether each step ends later than the one before, all of them at a known moment."""
        return bool(not np.isnat(self.ts_end).any() and (self.ts_end[1:] > self.ts_end[:-1]).all())

    @property
    def is_measurable(self) -> bool:
        """Return whether there are steps, in order, all numbers sane, no negative turnover, no more than all lost.

        What fails this has no statistics: whatever was computed from it would be a number without a meaning.
        """
        needed = (self.gross, self.fee, self.slippage, self.funding, self.net, self.exposure, self.turnover)
        return bool(
            len(self) > 0
            and self.is_in_order
            and self.ts_end[-1] < _LAST_MOMENT
            and all(float(np.abs(column).max()) <= _MOST for column in needed)
            and self.net.min() >= -1.0
            and self.gross.min() >= -1.0
            and self.turnover.min() >= 0.0
        )


def read_steps(bundle: Bundle) -> Steps:
    """Return the steps of a bundle as arrays; how the table is cut into chunks makes no difference."""
    table = bundle.steps
    names = ("ret_gross", "fee", "slippage", "funding", "ret_net", "exposure", "turnover")
    optional = ("adv_utilization", "participation", "benchmark_ret")
    return Steps(
        moments(table, "ts_end"),
        *(numbers(table, name) for name in names),
        *(numbers(table, name) if name in table.column_names else None for name in optional),
    )


def numbers(table: pa.Table, name: str) -> Floats:
    """Return a numeric column as float64, NaN for null."""
    column: Floats = table.column(name).to_numpy().astype(np.float64, copy=False)
    return np.ascontiguousarray(column)


def moments(table: pa.Table, name: str) -> Moments:
    """Return a column of UTC moments as datetime64[us], NaT for null."""
    column: Moments = table.column(name).cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]", copy=False)
    return column
