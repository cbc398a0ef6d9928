"""Walk-forward: what came of a strategy after the data it was made on, counted again from its steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.evaluation.metrics.daily import DailySeries
from distill_platform.evaluation.metrics.steps import Floats, Steps
from distill_platform.stats import Window, walk_forward

_SUMS = 1e-6
_DAY = timedelta(days=1)
_SLACK = np.timedelta64(5, "D")  # a span may begin or end on days on which nobody trades
_OUT_OF_SAMPLE = ("forward_oos", "validation")
_OWN = "walk_forward"


@dataclass(frozen=True)
class FoldRow:
    """A fold: its span, start inclusive, end exclusive, and profits as fractions of equity, NaN where not known.

    `counted` is `pnl_oos` as the run's own steps have it, NaN unless they cover the span.
    """

    fold: int
    split: str
    start: datetime
    end: datetime
    pnl_is: float
    pnl_oos: float
    counted: float


@dataclass(frozen=True)
class WalkForward:
    """The folds of a run, those that are out of sample, and whether the steps bear them out (None: nobody can tell)."""

    folds: tuple[FoldRow, ...]
    used: tuple[FoldRow, ...]
    matches: bool | None
    notes: tuple[str, ...]


def read_folds(table: pa.Table | None, steps: Steps, daily: DailySeries, n_folds: int) -> WalkForward:
    """Return the folds that a run handed in, or, if it did not, windows of its own days, each after the one before.

    Handed-in profits are checked against the steps that end in (start, end] or, where an engine names the first step by
    its end, in [start, end], as sums or compounded: one way for all.
    """
    if not len(daily):
        return WalkForward((), (), None, ())
    if table is None:
        own = _own_folds(daily, n_folds)
        return WalkForward(own, own, None, ("walk-forward windows are those of the evaluation: no folds handed in",))
    folds = tuple(_fold(row, steps) for row in table.to_pylist())
    used, notes = _out_of_sample(folds)
    return WalkForward(folds, used, _bear_out(used, steps), notes)


def walk_forward_metrics(found: WalkForward) -> dict[str, float]:
    """Return `wf.*` by leaf, from profits counted in the steps; NaN where one of them cannot be.

    `oos_is_ratio` is all profit out of sample over all profit in sample (Pardo 2008, walk-forward efficiency, for spans
    of one length); NaN unless there was a profit in sample.
    """
    profits = [fold.counted for fold in found.used]
    known = bool(profits) and not any(math.isnan(profit) for profit in profits)
    in_sample = math.fsum(fold.pnl_is for fold in found.used)
    return {
        "n_folds": len(found.used),
        "oos_sum_pnl": math.fsum(profits) if known else math.nan,
        "fold_sign_stability": sum(profit > 0.0 for profit in profits) / len(profits) if known else math.nan,
        "worst_fold_pnl": min(profits) if known else math.nan,
        "oos_is_ratio": math.fsum(profits) / in_sample if known and in_sample > 0.0 else math.nan,
    }


def _own_folds(daily: DailySeries, n_folds: int) -> tuple[FoldRow, ...]:
    """Return windows of equal length: each is the test of the one before it, which was there to train on."""
    length = len(daily) // (n_folds + 1)
    windows = walk_forward(len(daily), length, length) if length else ()
    return tuple(_own_fold(number, window, daily) for number, window in enumerate(windows))


def _own_fold(number: int, window: Window, daily: DailySeries) -> FoldRow:
    days = daily.days[window.test.slice]
    start, last = (day.astype("datetime64[us]").item().replace(tzinfo=UTC) for day in (days[0], days[-1]))
    trained, tested = (float(daily.pnl[span.slice].sum()) for span in (window.train, window.test))
    return FoldRow(number, _OWN, start, last + _DAY, trained, tested, tested)


def _fold(row: dict[str, Any], steps: Steps) -> FoldRow:
    profits = _profits(steps, row["start"], row["end"])
    pnl_is, pnl_oos = (math.nan if row[name] is None else float(row[name]) for name in ("pnl_is", "pnl_oos"))
    return FoldRow(row["fold"], row["split"], row["start"], row["end"], pnl_is, pnl_oos, profits[0])


def _profits(steps: Steps, start: datetime, end: datetime) -> tuple[float, float, float, float]:
    """Return sum and compounded net return of the steps that end in (start, end], then both of those in [start, end].

    NaN unless the steps cover the span.
    """
    first, last = (np.datetime64(moment.replace(tzinfo=None), "us") for moment in (start, end))
    begin, stop = np.searchsorted(steps.ts_end, (first, last), side="right").tolist()
    if begin >= stop or first < steps.ts_end[0] - _SLACK or last > steps.ts_end[-1] + _SLACK:
        return (math.nan,) * 4
    open_, closed = steps.net[begin:stop], steps.net[int(np.searchsorted(steps.ts_end, first)) : stop]
    return (*_summed(open_), *_summed(closed))


def _summed(returns: Floats) -> tuple[float, float]:
    return float(returns.sum()), float((1.0 + returns).prod()) - 1.0


def _out_of_sample(folds: Sequence[FoldRow]) -> tuple[tuple[FoldRow, ...], tuple[str, ...]]:
    """Return the folds that count, in order of time: a day counts once, and where it was validated on and tested, last.

    Validation windows that overlap forward ones are left out with a note; forward ones that overlap leave nothing.
    """
    ordered = sorted(folds, key=lambda fold: (fold.start, fold.end, fold.fold))
    outside = tuple(fold for fold in ordered if fold.split in _OUT_OF_SAMPLE)
    forward = tuple(fold for fold in ordered if fold.split == _OUT_OF_SAMPLE[0])
    if not _overlap(outside):
        return outside, () if outside else ("no fold is out of sample",)
    if forward and not _overlap(forward):
        return forward, ("validation folds overlap forward ones: only the forward ones count",)
    return (), ("folds out of sample overlap: none of them counts",)


def _overlap(folds: Sequence[FoldRow]) -> bool:
    return any(later.start < earlier.end for earlier, later in pairwise(folds))


def _bear_out(folds: Sequence[FoldRow], steps: Steps) -> bool | None:
    """Return whether the steps made in each span what the folds say, all of them counted in one way."""
    claims = [(fold.pnl_oos, *_profits(steps, fold.start, fold.end)) for fold in folds]
    known = [claim for claim in claims if not any(math.isnan(number) for number in claim)]
    kept = [all(abs(claim[0] - claim[way]) <= _SUMS for claim in known) for way in range(1, 5)]
    if not any(kept):
        return False
    return True if known and len(known) == len(claims) else None
