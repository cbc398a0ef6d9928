"""Frames: what models see and what they learn, one row per symbol and bar."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FrameVersions:
    """What a frame was made of and by which rules; it goes along with every model and every prediction.

    `schema_hash` is what the contract calls feature_payload_schema_version: the hash of names, order, definitions and
    parameters of the features. `data_version` is the hash of the bars and events, `lineage_id` of all three together.
    """

    schema_hash: str
    feature_version: str
    data_version: str
    lineage_id: str


@dataclass(frozen=True, eq=False)
class FeatureFrame:
    """N rows of F features, sorted by (ts, symbol), no key twice.

    `ts` is the end of the bar in nanoseconds since 1970 UTC: everything in a row was known then. `symbol` are positions
    in `symbols`. A feature that is missing is NaN. `is_usable` is False where a row must not be trained on or scored:
    the bar is missing or stale, or an outage lies in what the features look back on.
    """

    ts: Integers = field(repr=False)
    symbol: Integers = field(repr=False)
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats = field(repr=False)
    is_usable: Flags = field(repr=False)
    versions: FrameVersions

    def __len__(self) -> int:
        """Return the number of rows N."""
        return len(self.ts)

    def rows(self, kept: npt.NDArray[np.int64] | Flags) -> FeatureFrame:
        """Return the frame of some rows, given by position in order or by a mask."""
        return FeatureFrame(
            self.ts[kept],
            self.symbol[kept],
            self.symbols,
            self.names,
            self.values[kept],
            self.is_usable[kept],
            self.versions,
        )

    def columns(self, names: tuple[str, ...]) -> Floats:
        """Return the values of some features, shape (N, len(names)); KeyError for a name there is not."""
        places = {name: place for place, name in enumerate(self.names)}
        return self.values[:, [places[name] for name in names]]


@dataclass(frozen=True, eq=False)
class TrainingFrame:
    """Features with the labels of their rows.

    `label` is what came after, NaN where nobody can know it (the bar at the horizon is missing). It is known over
    [ts, label_end], nanoseconds: two rows whose spans share a moment must not stand on both sides of a split.
    `horizon_ns` is the longest such span.
    """

    features: FeatureFrame
    label: Floats = field(repr=False)
    label_end: Integers = field(repr=False)
    horizon_ns: int

    def __len__(self) -> int:
        """Return the number of rows N."""
        return len(self.features)

    @property
    def is_trainable(self) -> Flags:
        """Return which rows have a label and may be trained on."""
        return self.features.is_usable & np.isfinite(self.label)

    def rows(self, kept: npt.NDArray[np.int64] | Flags) -> TrainingFrame:
        """Return the frame of some rows, given by position in order or by a mask."""
        return TrainingFrame(self.features.rows(kept), self.label[kept], self.label_end[kept], self.horizon_ns)

    def between(self, start_ns: int, end_ns: int) -> TrainingFrame:
        """Return the rows whose whole span [ts, label_end] lies in [start_ns, end_ns): none knows what comes after."""
        inside = (self.features.ts >= start_ns) & (self.label_end < end_ns)
        return self.rows(inside)
