"""Parity: whether frames computed for training say what a model would have been shown at the moment itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from distill_platform.core.errors import FrameError
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.causality import ROWS, USABLE
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frame_building import features_at
from distill_platform.models.frames import FeatureFrame


@dataclass(frozen=True)
class Mismatch:
    """A feature that is not the same online and offline, to the last bit; the rows, or which are usable, likewise."""

    feature: str
    ts: int
    symbol: str


def online_mismatches(
    frame: FeatureFrame, grid: BarGrid, events: pa.Table | None, settings: FeatureSettings, moments: Iterable[int]
) -> list[Mismatch]:
    """Return where a frame differs from what is computed online at some moments, from the bars and events until then.

    At most one mismatch for each moment and feature, at the first symbol that shows it. The grid reaches as far back
    from each moment as features look.

    Raises FrameError for a frame of another schema, whose columns mean something else, for no moments at all, and as
    `features_at` does.
    """
    asked = sorted(set(moments))
    if not asked:
        raise FrameError("there is no moment to compare online and offline features at")
    return [each for ts in asked for each in _at(frame, features_at(grid, events, ts, settings), ts)]


def _at(offline: FeatureFrame, online: FeatureFrame, ts: int) -> list[Mismatch]:
    if offline.versions.schema_hash != online.versions.schema_hash:
        raise FrameError("online and offline features have different schemas", hint="Build the frame again")
    rows = offline.rows(offline.ts == ts)
    if not np.array_equal(rows.symbol, online.symbol):
        return [Mismatch(ROWS, ts, online.symbols[0])]
    columns = np.column_stack([rows.values.view(np.uint64), rows.is_usable])
    apart = columns != np.column_stack([online.values.view(np.uint64), online.is_usable])
    names = (*online.names, USABLE)
    return [
        Mismatch(names[place], ts, online.symbols[int(np.argmax(apart[:, place]))])
        for place in np.flatnonzero(apart.any(axis=0)).tolist()
    ]
