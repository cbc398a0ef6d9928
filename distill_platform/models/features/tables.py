"""Tables: frames as Arrow tables and back, to the last bit, for the lake and for people who look with SQL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import FrameError
from distill_platform.feeds.market_bars import MOMENT
from distill_platform.models.frames import FeatureFrame, FrameVersions, Integers, TrainingFrame

_NS_PER_US = 1_000
_KEYS = ("ts", "symbol", "is_usable")
_VERSIONS = ("schema_hash", "feature_version", "data_version", "lineage_id")
_LABELS = ("label", "label_end", "horizon_ns")


def feature_schema(names: Sequence[str]) -> pa.Schema:
    """Return the schema of a table of features: keys, one column per feature, and the versions in every row.

    A feature that is missing is NaN, never null.
    """
    return pa.schema(
        [
            pa.field("ts", MOMENT, nullable=False),
            pa.field("symbol", pa.string(), nullable=False),
            pa.field("is_usable", pa.bool_(), nullable=False),
            *(pa.field(name, pa.float64(), nullable=False) for name in names),
            *(pa.field(name, pa.string(), nullable=False) for name in _VERSIONS),
        ]
    )


def training_schema(names: Sequence[str]) -> pa.Schema:
    """Return the schema of a training table: that of features, then the label, until when it is known, the horizon."""
    labels = [
        pa.field("label", pa.float64(), nullable=False),
        pa.field("label_end", MOMENT, nullable=False),
        pa.field("horizon_ns", pa.int64(), nullable=False),
    ]
    return pa.schema([*feature_schema(names), *labels])


def to_table(frame: FeatureFrame) -> pa.Table:
    """Return the rows of a frame as a table of `feature_schema`.

    Raises FrameError for a feature that has the name of a key or a version.
    """
    if reserved := {*_KEYS, *_VERSIONS, *_LABELS} & set(frame.names):
        raise FrameError(f"a feature cannot have the name {min(reserved)!r}")
    symbols = pa.DictionaryArray.from_arrays(pa.array(frame.symbol), pa.array(frame.symbols, pa.string()))
    columns = [
        _moments(frame.ts),
        symbols.cast(pa.string()),
        pa.array(frame.is_usable),
        *(pa.array(np.ascontiguousarray(column)) for column in frame.values.T),
        *(pa.repeat(getattr(frame.versions, name), len(frame)) for name in _VERSIONS),
    ]
    return pa.Table.from_arrays(columns, schema=feature_schema(frame.names))


def from_table(table: pa.Table, symbols: Sequence[str]) -> FeatureFrame:
    """Return the frame that a table of `feature_schema` holds; `symbols` are all of the line's, in order.

    Raises FrameError for a table of no rows, other columns, rows of several versions, rows that are not sorted by
    (ts, symbol) or stand twice, and symbols that are not the line's.
    """
    names = tuple(name for name in table.column_names if name not in (*_KEYS, *_VERSIONS))
    if table.schema.remove_metadata() != feature_schema(names):
        raise FrameError("a table of features has columns of another name, type or order than were written")
    ts, symbol = _stamps(table["ts"]), _places(table["symbol"], tuple(symbols))
    _refuse_disorder(ts, symbol)
    values = np.empty((len(table), len(names)))
    for place, name in enumerate(names):
        values[:, place] = table[name].to_numpy()
    return FeatureFrame(ts, symbol, tuple(symbols), names, values, np.array(table["is_usable"]), _versions(table))


def training_to_table(frame: TrainingFrame) -> pa.Table:
    """Return the rows of a training frame as a table of `training_schema`."""
    table = to_table(frame.features)
    labels = [
        pa.array(frame.label),
        _moments(frame.label_end),
        pa.repeat(pa.scalar(frame.horizon_ns, pa.int64()), len(frame)),
    ]
    return pa.Table.from_arrays([*table.columns, *labels], schema=training_schema(frame.features.names))


def training_from_table(table: pa.Table, symbols: Sequence[str]) -> TrainingFrame:
    """Return the training frame that a table of `training_schema` holds; errors as of `from_table`."""
    if lacking := [name for name in _LABELS if name not in table.column_names]:
        raise FrameError(f"a training table has no column {lacking[0]!r}")
    features = from_table(table.drop_columns(list(_LABELS)), symbols)
    horizon = _only(table, "horizon_ns")
    return TrainingFrame(features, np.array(table["label"]), _stamps(table["label_end"]), int(horizon))


def _moments(ns: Integers) -> pa.Array:
    return pa.array(ns // _NS_PER_US).cast(MOMENT)


def _stamps(column: pa.ChunkedArray) -> Integers:
    stamps: Integers = np.array(column.cast(pa.int64())) * _NS_PER_US
    return stamps


def _places(column: pa.ChunkedArray, symbols: tuple[str, ...]) -> Integers:
    found = pc.index_in(column, pa.array(symbols, pa.string()))
    if found.null_count:
        raise FrameError(f"a table of features has rows of symbols that are not {', '.join(symbols[:5])}")
    return np.array(found, np.int64)


def _refuse_disorder(ts: Integers, symbol: Integers) -> None:
    follows = (ts[1:] > ts[:-1]) | ((ts[1:] == ts[:-1]) & (symbol[1:] > symbol[:-1]))
    if not follows.all():
        raise FrameError(f"row {int(np.argmin(follows)) + 1} is not after the one before, by (ts, symbol)")


def _versions(table: pa.Table) -> FrameVersions:
    return FrameVersions(*(str(_only(table, name)) for name in _VERSIONS))


def _only(table: pa.Table, name: str) -> str | int:
    """Return the one value of a column; FrameError for none, or for several."""
    values = pc.unique(table[name]).to_pylist()
    if len(values) != 1:
        raise FrameError(
            f"a table of features has {len(values)} values of {name}, not one",
            hint="Read frames of different versions one by one, and join them" if values else "",
        )
    only: str | int = values[0]
    return only
