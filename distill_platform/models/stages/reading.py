"""Reading: bars, events and features of a line over some days, with how to remember what was read."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import FrameError
from distill_platform.feeds.events.event import EVENTS
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.models.features.bar_grid import BarGrid, bar_grid
from distill_platform.models.features.tables import from_table
from distill_platform.models.frame_building import join_frames
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.stage import Models, read_partitions
from distill_platform.models.weeks import DAY_NS, day_ns
from distill_platform.store.lake import Dataset, Input
from distill_platform.store.lake.tables import open_partition

_SORTED = [("ts_end", "ascending"), ("symbol", "ascending")]


def read_grid(models: Models, line: ModelLine, days: Sequence[str]) -> tuple[BarGrid, dict[str, Input]]:
    """Return the grid of a line's market over some days in a row; a day without bars is one of missing bars.

    Raises ConfigError for a line whose market is no feed of bars, or has not all of its symbols.
    """
    models.settings.regime_of(line)
    bars, inputs = read_partitions(models, "market_bars", "bars", MARKET_BARS, days)
    return grid_of(line, bars, days), inputs


def grid_of(line: ModelLine, bars: pa.Table, days: Sequence[str]) -> BarGrid:
    """Return the grid of a line's market over some days in a row, from a table of MARKET_BARS in any order."""
    own = bars.filter(pc.equal(bars["source"], line.market)).sort_by(_SORTED)
    first, last = day_ns(days[0]) + line.bar_ns, day_ns(days[-1]) + DAY_NS
    return bar_grid(own, line.bar_ns, line.symbols, first_ts=first, last_ts=last)


def read_events(models: Models, line: ModelLine, days: Sequence[str]) -> tuple[pa.Table | None, dict[str, Input]]:
    """Return the events of some days; None for a line whose features see none."""
    if line.features.events is None:
        return None, {}
    return read_partitions(models, "events", "events", EVENTS, days)


def read_features(models: Models, line: ModelLine, days: Sequence[str]) -> tuple[FeatureFrame, dict[str, Input]]:
    """Return a line's features over some days, all of which must be there; errors of the lake and of `join_frames`."""
    frames = []
    inputs: dict[str, Input] = {}
    for day in days:
        found, remembered = open_partition(models.lake, "features", day)
        inputs |= remembered
        frames.append(features_of(line, found))
    return join_frames(frames), inputs


def features_of(line: ModelLine, day: Dataset) -> FeatureFrame:
    """Return a line's features of one day of `features`; FrameError where it has none."""
    rows = day.read(line.name) if line.name in day.manifest.tables else None
    if rows is None:
        told = f"features of {day.manifest.partition} have no rows of line {line.name}"
        raise FrameError(told, hint="Materialize that day again")
    return from_table(rows, symbols_of(line))


def symbols_of(line: ModelLine) -> tuple[str, ...]:
    """Return the symbols of a line in the order of its frames."""
    return tuple(sorted(line.symbols))
