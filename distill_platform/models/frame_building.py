"""Frame building: bars and events to features, and features to what can be trained on."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import FrameError
from distill_platform.feeds.events.projecting import HOUR_NS, project
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import catalogue, history_bars, lookback_bars
from distill_platform.models.features.event_window import events_until
from distill_platform.models.features.kind import KINDS
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.schema import frame_versions, versions_of
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.features.windows import window_sum
from distill_platform.models.frames import FeatureFrame, Flags, Floats, TrainingFrame
from distill_platform.models.labels import LabelSettings, horizon_ns, labels


def build_features(grid: BarGrid, events: pa.Table | None, settings: FeatureSettings) -> FeatureFrame:
    """Return one row per moment and symbol of the grid, rows without a bar included.

    A row follows from the bars that its features look back on and from the events that were available by then, to the
    last bit: `history_bars` moments give the last row that years of them give. A bar that is missing in what a feature
    looks back on makes it NaN; it is never filled. `events` is a table of EVENTS, in any order.

    Raises FrameError if the settings ask for features of events and there is no table of them.
    """
    features = catalogue(settings)
    columns = np.empty((len(features), len(grid) * len(grid.symbols)))
    seen = Observed(grid)
    for place, feature in enumerate(features):
        if feature.kind in KINDS:
            columns[place] = KINDS[feature.kind].panel(seen, feature.windows).reshape(-1)
    _fill_events(columns, grid, events, settings)
    for column in columns:
        column[~np.isfinite(column)] = np.nan
        column += 0.0  # one bit pattern for zero
    names = tuple(feature.name for feature in features)
    return FeatureFrame(
        np.repeat(grid.ts, len(grid.symbols)),
        np.tile(np.arange(len(grid.symbols), dtype=np.int64), len(grid)),
        grid.symbols,
        names,
        np.ascontiguousarray(columns.T),
        _usable(grid, settings).reshape(-1),
        frame_versions(settings, grid, events),
    )


def features_at(grid: BarGrid, events: pa.Table | None, ts: int, settings: FeatureSettings) -> FeatureFrame:
    """Return the rows of one moment, one per symbol: online, from the bars and events until then.

    Later bars and events are not looked at, nor bars before the last `history_bars(settings)`. The values are those of
    `build_features` on any longer grid, bit for bit; the data version is that of the bars and events looked at.

    Raises FrameError for a moment that the grid does not have, and for a grid that does not go back far enough: where
    the market had not begun, a grid says so by moments without a bar.
    """
    stop = int(np.searchsorted(grid.ts, ts, "right"))
    start = stop - history_bars(settings)
    if stop == 0 or grid.ts[stop - 1] != ts:
        raise FrameError(f"the grid has no moment {ts}")
    if start < 0:
        raise FrameError(
            f"the grid has {stop} moments up to {ts}, features look back on {history_bars(settings)}",
            hint="Give bar_grid an earlier first_ts",
        )
    frame = build_features(grid.rows(start, stop), _recent(events, ts, settings), settings)
    return frame.rows(frame.ts == ts)


def build_training_frame(frame: FeatureFrame, grid: BarGrid, settings: LabelSettings) -> TrainingFrame:
    """Return the rows of a frame with what came after each of them, by the clock.

    `grid` holds the bars that labels are made of; it goes on for the horizon after the last row whose label is to be
    known. The label of a moment that it does not hold is NaN. The lineage is that of the features, the labels' settings
    and their bars.

    Raises FrameError for a grid without one of the frame's symbols, or of bars that the frame was not made of.
    """
    panel = labels(grid, settings)
    if missing := set(frame.symbols) - set(grid.symbols):
        raise FrameError(f"the grid of the labels has no symbol {min(missing)!r}")
    columns = np.array([grid.symbols.index(symbol) for symbol in frame.symbols])[frame.symbol]
    rows = (frame.ts - grid.ts[0]) // grid.interval_ns
    held = (rows >= 0) & (rows < len(grid)) & ((frame.ts - grid.ts[0]) % grid.interval_ns == 0)
    label = np.full(len(frame), np.nan)
    label[held] = panel[rows[held], columns[held]]
    horizon = horizon_ns(grid, settings)
    made_of = {
        "features": frame.versions.lineage_id,
        "label": settings.model_dump(mode="json"),
        "bars": grid.fingerprint,
    }
    versions = dataclasses.replace(frame.versions, lineage_id=sig_hash(made_of))
    return TrainingFrame(dataclasses.replace(frame, versions=versions), label, frame.ts + horizon, horizon)


def join_frames(frames: Sequence[FeatureFrame]) -> FeatureFrame:
    """Return the rows of several frames as one, such as the days of a window; their data version is that of them all.

    Raises FrameError for none, for frames of different schemas, features or symbols, and for frames that overlap or
    are not in the order of time.
    """
    if not frames:
        raise FrameError("there are no frames to join")
    first = frames[0]
    for before, after in itertools.pairwise(frames):
        if _meaning(after) != _meaning(first):
            raise FrameError("frames of different features, versions or symbols cannot be joined")
        if len(before) and len(after) and after.ts[0] <= before.ts[-1]:
            raise FrameError(
                f"a frame that begins at {after.ts[0]} does not come after one that ends at {before.ts[-1]}"
            )
    data = sig_hash([frame.versions.data_version for frame in frames])
    return FeatureFrame(
        np.concatenate([frame.ts for frame in frames]),
        np.concatenate([frame.symbol for frame in frames]),
        first.symbols,
        first.names,
        np.concatenate([frame.values for frame in frames]),
        np.concatenate([frame.is_usable for frame in frames]),
        versions_of(first.versions.schema_hash, first.versions.feature_version, data),
    )


def _recent(events: pa.Table | None, ts: int, settings: FeatureSettings) -> pa.Table | None:
    """Return the events that features of one moment can see."""
    if events is None or settings.events is None:
        return events
    return events_until(events, ts, ts - settings.events.lookback_h * HOUR_NS)


def _meaning(frame: FeatureFrame) -> tuple[object, ...]:
    return frame.names, frame.symbols, frame.versions.schema_hash, frame.versions.feature_version


def _fill_events(columns: Floats, grid: BarGrid, events: pa.Table | None, settings: FeatureSettings) -> None:
    """Fill the last columns, shape (F, T N), with the features of events."""
    if settings.events is None:
        return
    if events is None:
        raise FrameError("features of events are asked for, and there are none", hint="Set features.events to null")
    projected, names = project(events, grid.ts, grid.symbols, settings.events)
    columns[len(columns) - len(names) :] = projected.reshape(-1, len(names)).T


def _usable(grid: BarGrid, settings: FeatureSettings) -> Flags:
    """Return where there is a bar that says something, and no outage in what the features look back on."""
    outages = window_sum(grid.is_outage(settings.outage_bars).astype(np.float64), lookback_bars(settings))
    usable: Flags = ~grid.is_missing & ~grid.is_stale & (outages == 0.0)
    return usable
