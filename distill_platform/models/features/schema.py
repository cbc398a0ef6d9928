"""Schema: the hashes by which a model and the features that it is shown know each other again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.canon import sig_hash
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import Feature, catalogue
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frames import FrameVersions

FEATURE_VERSION = "1"
"""Changes whenever a feature is computed otherwise than before under the same name and definition."""

NO_EVENTS = "none"
_DECLARED = tuple(field.name for field in dataclasses.fields(Feature))


def schema_hash(settings: FeatureSettings, interval_ns: int, symbols: Sequence[str]) -> str:
    """Return the feature_payload_schema_version: equal only where the columns of two frames mean the same.

    Covers names, order, definitions, units, lookbacks and every setting, the interval of the bars, the symbols (ranks
    and betas depend on who else is there) and FEATURE_VERSION.
    """
    features = [[getattr(feature, name) for name in _DECLARED] for feature in catalogue(settings)]
    return sig_hash(
        {
            "feature_version": FEATURE_VERSION,
            "features": features,
            "interval_ns": interval_ns,
            "settings": settings.model_dump(mode="json"),
            "symbols": list(symbols),
        }
    )


def frame_versions(settings: FeatureSettings, grid: BarGrid, events: pa.Table | None) -> FrameVersions:
    """Return the versions of the frame of a grid and of events; None where its features see no events."""
    read = NO_EVENTS if settings.events is None or events is None else events_hash(events)
    data = sig_hash({"bars": grid.fingerprint, "events": read})
    return versions_of(schema_hash(settings, grid.interval_ns, grid.symbols), FEATURE_VERSION, data)


def versions_of(schema: str, feature_version: str, data: str) -> FrameVersions:
    """Return the versions made up of three, with the hash of them all as lineage."""
    lineage = sig_hash({"schema_hash": schema, "feature_version": feature_version, "data_version": data})
    return FrameVersions(schema, feature_version, data, lineage)


def events_hash(events: pa.Table) -> str:
    """Return the SHA-256 of the rows of an EVENTS table, in whatever order and chunks they come."""
    keys = [(name, "ascending") for name in ("available_at", "event_id", "symbol")]
    digest = hashlib.sha256(f"{events.num_rows}".encode())
    for name, column in zip(sorted(events.column_names), _sorted_columns(events, keys), strict=True):
        digest.update(f"\0{name}:{column.type}\0".encode())
        digest.update(_content(column))
    return digest.hexdigest()


def _sorted_columns(events: pa.Table, keys: list[tuple[str, str]]) -> list[pa.ChunkedArray]:
    ordered = events.sort_by(keys)
    return [ordered[name] for name in sorted(events.column_names)]


def _content(column: pa.ChunkedArray) -> bytes:
    """Return what a column without nulls says, as bytes that no other column of its type has."""
    if pa.types.is_string(column.type):
        lengths = np.array(pc.binary_length(column), "<i8").tobytes()
        return lengths + "".join(column.to_pylist()).encode()
    if pa.types.is_timestamp(column.type):
        return np.array(column.cast(pa.int64()), "<i8").tobytes()
    return np.array(column).tobytes()
