"""Lags: how long after they were published the records of a day were first in our hands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.market_bars import MOMENT
from distill_platform.feeds.numbers import Floats


def lags_s(read: Sequence[tuple[datetime, pa.Table]]) -> Floats:
    """Return seconds from publication to the first fetch that showed it, for each different record, smallest first.

    `read` are rows (BAR_ROWS or RAW_EVENTS) with the moment at which their bytes were fetched. A bar is published when
    it ends.
    """
    tables = [table.append_column("seen", pa.repeat(pa.scalar(at, MOMENT), table.num_rows)) for at, table in read]
    if not tables:
        return np.zeros(0)
    rows = pa.concat_tables(tables)
    is_bars = "ts_end" in rows.column_names
    keys, published = (["ts_end", "symbol"], "ts_end") if is_bars else (["raw_id"], "published_at")
    first = rows.group_by(keys, use_threads=False).aggregate([("seen", "min"), (published, "min")])
    waited = pc.subtract(first["seen_min"].cast(pa.int64()), first[f"{published}_min"].cast(pa.int64()))
    found: Floats = pc.divide(waited.cast(pa.float64()), 1e6).to_numpy()
    return np.sort(found)
