"""Purged splits: training observations whose labels share no moment with a test label.

The label of an observation is known over a closed interval: an observation that starts at the moment when a test label
ends has seen that moment, and is purged. Each test segment purges its own surroundings, never the whole span from the
first to the last. The embargo begins where the last label of a segment ends, in addition to the purge (Lopez de Prado
2018, "Advances in Financial Machine Learning", section 7.4).
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Times = npt.NDArray[Any]
"""Moments as integers, floats or datetime64."""


@dataclass(frozen=True, slots=True, repr=False)
class PurgedSplit:
    """Rows to train on and rows to test on, ascending; what is in neither was purged or is under embargo."""

    train: Rows
    test: Rows

    def __repr__(self) -> str:
        return f"PurgedSplit({len(self.train)} rows to train on, {len(self.test)} to test on)"


def group_bounds(n: int, n_groups: int) -> Rows:
    """Return n_groups + 1 positions: group g holds the observations from bounds[g] up to, without, bounds[g + 1].

    Groups are cut as by `numpy.array_split`: the first n % n_groups of them hold one observation more than the others.
    Raises ValueError unless 1 <= n_groups <= n.
    """
    n, n_groups = operator.index(n), operator.index(n_groups)
    if not 1 <= n_groups <= n:
        raise ValueError(f"n_groups must lie between 1 and the {n} observations there are, not be {n_groups}")
    size, longer = divmod(n, n_groups)
    groups = np.arange(n_groups + 1, dtype=np.int64)
    return groups * size + np.minimum(groups, longer)


def time_segments(starts: Any, n_groups: int) -> Times:
    """Return an array of shape (n_groups, 2): the first and the last moment, both included, of each group in time.

    Distinct moments are divided as by `group_bounds`: observations of several symbols that start at the same moment are
    in one group, always. Groups of the result can be selected and handed to `purged_split_times`. O(n log n).
    """
    moments = np.unique(_as_times(starts, "starts"))
    bounds = group_bounds(len(moments), n_groups)
    return np.stack([moments[bounds[:-1]], moments[bounds[1:] - 1]], axis=1)


def purged_split(
    n: int, n_groups: int, test_groups: Sequence[int], label_horizon: int = 0, embargo: int = 0
) -> PurgedSplit:
    """Return the split of n observations of one series, cut into groups of which some are tested; see `group_bounds`.

    The label of observation i is known over [i, i + label_horizon]. After the last label of a test run, `embargo` more
    observations are left out. Positions are time only where there is one series: stacked symbols need
    `purged_split_times`. The training set may come out empty. O(n log n).

    Raises ValueError for test groups that do not exist or repeat, and for a negative horizon or embargo.
    """
    bounds = group_bounds(n, n_groups)
    groups = np.asarray([operator.index(group) for group in test_groups], dtype=np.int64)
    if len(groups) == 0 or groups.min() < 0 or groups.max() >= n_groups or len(np.unique(groups)) < len(groups):
        raise ValueError(f"test_groups must be different numbers from 0 to {n_groups - 1}, not {list(test_groups)}")
    if operator.index(label_horizon) < 0:
        raise ValueError(f"label_horizon must not be negative: {label_horizon}")
    positions = np.arange(n, dtype=np.int64)
    label_ends = positions + min(label_horizon, n)  # longer ones change nothing, and could overflow
    segments = np.stack([bounds[groups], bounds[groups + 1] - 1], axis=1)
    return purged_split_times(positions, label_ends, segments, operator.index(embargo))


def purged_split_times(starts: Any, ends: Any, test_segments: Any, embargo: Any = 0) -> PurgedSplit:
    """Return the split of observations of any number of symbols, in any order of rows, by the times of their labels.

    The label of row i is known over [starts[i], ends[i]], both included. Rows that start within one of `test_segments`,
    shape (m, 2), first and last moment, are tested, whatever their symbol. Rows whose label touches a test label are
    purged, and so are rows that start within `embargo` after the last test label of a segment ended.

    Times are integers, floats or datetime64, the same for all; the embargo of datetimes is a timedelta. The training
    set may come out empty. O((n + m) log(n + m)).

    Raises ValueError for labels that end before they start, times that are missing, infinite or of mixed types,
    segments in which nothing starts, and a negative embargo.
    """
    starts, ends = _as_times(starts, "starts"), _as_times(ends, "ends")
    segments = _as_times(test_segments, "test_segments", ndim=2)
    _check_labels(starts, ends, segments)
    tested = _touch_any(starts, starts, segments[:, 0], segments[:, 1])
    first, last = _test_spans(starts, ends, segments)
    left_out = _touch_any(starts, ends, first, last + _as_duration(embargo, ends.max() - starts.min()))
    return PurgedSplit(train=np.flatnonzero(~(tested | left_out)), test=np.flatnonzero(tested))


def _touch_any(starts: Times, ends: Times, firsts: Times, lasts: Times) -> Mask:
    """Return which closed intervals [starts, ends] share a moment with any of the closed intervals [firsts, lasts]."""
    order = np.argsort(firsts)
    latest = np.maximum.accumulate(lasts[order])
    begun = np.searchsorted(firsts[order], ends, side="right")
    return (begun > 0) & (latest[begun - 1] >= starts)


def _test_spans(starts: Times, ends: Times, segments: Times) -> tuple[Times, Times]:
    """Return when the first label of each segment starts, and when its last label ends.

    All that starts within a segment is tested, so any other label that meets this span meets a label in it.
    """
    order = np.argsort(starts)
    starts, ends = starts[order], ends[order]
    low = np.searchsorted(starts, segments[:, 0], side="left")
    high = np.searchsorted(starts, segments[:, 1], side="right")
    if (low >= high).any():
        empty = int(np.argmax(low >= high))
        raise ValueError(f"no observation starts in test segment {empty}, {segments[empty]}")
    lasts = [ends[begin:end].max() for begin, end in zip(low, high, strict=True)]
    return starts[low], np.asarray(lasts, dtype=ends.dtype)


def _check_labels(starts: Times, ends: Times, segments: Times) -> None:
    if len(starts) == 0 or len(starts) != len(ends):
        raise ValueError(f"starts and ends must have one length, and not 0: {len(starts)} and {len(ends)}")
    if not starts.dtype.kind == ends.dtype.kind == segments.dtype.kind:
        kinds = f"{starts.dtype}, {ends.dtype} and {segments.dtype}"
        raise ValueError(f"starts, ends and test_segments must be of one type of time, not {kinds}")
    if (ends < starts).any():
        raise ValueError(f"the label of row {int(np.argmax(ends < starts))} ends before it starts")
    if segments.shape[1] != 2 or (segments[:, 0] > segments[:, 1]).any():
        raise ValueError("test_segments must be rows of two moments, the first not after the last")


def _as_times(values: Any, name: str, ndim: int = 1) -> Times:
    times = np.asarray(values)
    if times.dtype.kind not in "iufM" or times.ndim != ndim or times.size == 0:
        raise ValueError(f"{name} must be an array of numbers or datetime64 with {ndim} dimension(s), and not empty")
    if not np.isfinite(times).all():
        raise ValueError(f"{name} is missing or infinite at {np.argwhere(~np.isfinite(times))[0].tolist()}")
    wide = {"i": np.int64, "u": np.int64, "f": np.float64}
    return times.astype(wide.get(times.dtype.kind, times.dtype))


def _as_duration(embargo: Any, longest: Any) -> Any:
    """Return the embargo as something that can be added to a time, cut to `longest`.

    Waiting longer than all the data last changes nothing, but where the wait ends might not be representable.
    """
    if isinstance(longest, np.timedelta64):
        if not isinstance(embargo, np.timedelta64 | dt.timedelta) and embargo != 0:
            raise ValueError(f"the embargo of datetimes must be a timedelta, not {embargo!r}: its unit is not known")
        duration: Any = np.timedelta64(embargo, "ns") if isinstance(embargo, int) else np.timedelta64(embargo)
    else:
        duration = operator.index(embargo) if isinstance(longest, np.int64) else float(embargo)
    if not duration >= longest - longest:
        raise ValueError(f"embargo must be 0 or more, not {embargo}")
    return min(duration, longest)
