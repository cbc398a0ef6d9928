"""Moments of Arrow columns: time stamps with a zone as they are, everything else as the text it would be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.arrow_values import listed
from distill_platform.feeds.moments import LATEST, Moments, Stamps, TimeSettings, nanoseconds, read_moments
from distill_platform.feeds.rejected import Reason, RowRefused

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def arrow_moments(column: pa.ChunkedArray, time: TimeSettings) -> Moments:
    """Return the moments of a column of time stamps, of days, of numbers or of text; refusals as `read_moments`.

    Time stamps without a zone, and days, mean what they mean in the declared zone; without one they are ambiguous.
    """
    if not (pa.types.is_timestamp(column.type) and column.type.tz):
        kind = column.type
        naive = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        return read_moments(listed(column), TimeSettings(zone=time.zone) if naive else time)
    ticks = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    return _in_range(ticks, column.is_null().to_numpy(), _PER_SECOND[column.type.unit])


def _in_range(ticks: Stamps, missing: npt.NDArray[np.bool_], per_second: int) -> Moments:
    sound = ~missing & (ticks >= 0) & (ticks < nanoseconds(LATEST) // 10**9 * per_second)
    stamps = np.where(sound, ticks, 0) * (10**9 // per_second)
    refused = {
        row: RowRefused(Reason.MISSING_TIME, "the row has no time")
        if missing[row]
        else RowRefused(Reason.MALFORMED_TIME, "the time is not between 1970 and 2262")
        for row in np.flatnonzero(~sound).tolist()
    }
    return Moments(stamps, refused)
