"""Explaining: the rows of PREDICTIONS, from scores and what each feature added to them; whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from distill_platform.core.errors import ModelError
from distill_platform.feeds.market_bars import MOMENT
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.frames import FeatureFrame, Flags, Floats, Integers
from distill_platform.models.predictions.event_index import EventIndex
from distill_platform.models.predictions.schema import BASE, CONTRIBUTION, EVENT, PREDICTIONS, REST
from distill_platform.models.registry import ModelState

_NS_PER_US = 1_000


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model said of N rows: scores and asked positions, shape (N,), and what its F features added, (N, F)."""

    artifact: ArtifactReference
    policy: str | None
    stage: ModelState
    frame: FeatureFrame = field(repr=False)
    feature_names: tuple[str, ...] = field(repr=False)
    scores: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    contributions: Floats = field(repr=False)
    serves: Flags = field(repr=False)


def explain(scored: Scored, events: EventIndex | None, top_features: int = 8, top_events: int = 5) -> pa.Table:
    """Return the rows of PREDICTIONS, in the frame's order.

    Listed are the `top_features` that added most in size, then REST and BASE: they sum to the score up to rounding. A
    row without a score, or with contributions that have no finite sum, has none, and neither asks for a position nor
    serves. `events` is None for a model that reads none. Raises ModelError for shapes that do not fit.
    """
    frame, count = scored.frame, len(scored.frame)
    wanted: dict[str, tuple[int, ...]] = {"scores": (count,), "weights": (count,), "serves": (count,)}
    wanted["contributions"] = (count, len(scored.feature_names))
    for name, shape in wanted.items():
        if getattr(scored, name).shape != shape:
            raise ModelError(f"{name} of shape {getattr(scored, name).shape} do not fit {shape}")
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large to be summed has no sum, and is not known
        known = np.isfinite(scored.scores) & np.isfinite(np.abs(scored.contributions).sum(axis=1))
    values = frame.columns(scored.feature_names)
    listed, tiers = _events(frame, events, top_events)
    columns = {
        "line": _same(scored.artifact.line, count),
        "symbol": pa.array(np.array(frame.symbols, dtype=object)[frame.symbol], pa.string()),
        "ts": pa.array(frame.ts // _NS_PER_US, pa.int64()).cast(MOMENT),
        "score": pa.array(scored.scores, mask=~known),
        "weight": pa.array(np.where(known & np.isfinite(scored.weights), scored.weights, 0.0)),
        "serves": pa.array(scored.serves & known),
        "stage": _same(scored.stage.value, count),
        "policy": _same(scored.policy, count),
        "artifact_sha256": _same(scored.artifact.artifact_sha256, count),
        "model_name": _same(scored.artifact.name, count),
        "model_version": _same(scored.artifact.version, count),
        "feature_payload_schema_version": _same(frame.versions.schema_hash, count),
        "feature_version": _same(frame.versions.feature_version, count),
        "data_version": _same(frame.versions.data_version, count),
        "lineage_id": _same(frame.versions.lineage_id, count),
        "events": listed,
        "tiers": tiers,
        "contributions": _contributions(scored, values, known, top_features),
        "missing": _missing(scored.feature_names, values),
    }
    return pa.table([columns[name] for name in PREDICTIONS.names], schema=PREDICTIONS)


def _same(text: str | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def _contributions(scored: Scored, values: Floats, known: Flags, top: int) -> pa.Array:
    """Return the list of contributions of each row: the largest, the rest, and what the model starts from."""
    rows = np.flatnonzero(known)
    added, seen = scored.contributions[rows], values[rows]
    order = np.argsort(-np.abs(added), axis=1, kind="stable")[:, :top]
    largest = np.take_along_axis(added, order, axis=1)
    whole = added.sum(axis=1)
    rest, base = whole - largest.sum(axis=1), scored.scores[rows] - whole
    width = order.shape[1] + 2
    names = np.array([*scored.feature_names, REST, BASE], dtype=object)
    kinds = np.tile([len(scored.feature_names), len(scored.feature_names) + 1], (len(rows), 1))
    numbers = np.column_stack([largest, rest, base])
    shown = np.column_stack([np.take_along_axis(seen, order, axis=1), np.full((len(rows), 2), np.nan)])
    flat = _struct(
        CONTRIBUTION,
        pa.array(names, pa.string()).take(pa.array(np.column_stack([order, kinds]).ravel())),
        pa.array(numbers.ravel()),
        pa.array(shown.ravel(), mask=~np.isfinite(shown.ravel())),
    )
    return _lists(known * width, flat)


def _missing(names: tuple[str, ...], values: Floats) -> pa.Array:
    absent = ~np.isfinite(values)
    flat = pa.array(names, pa.string()).take(pa.array(np.nonzero(absent)[1]))
    return _lists(absent.sum(axis=1), flat)


def _events(frame: FeatureFrame, events: EventIndex | None, top: int) -> tuple[pa.Array, pa.Array]:
    """Return the events of each row, and the tiers among them."""
    where = zip(frame.symbol.tolist(), frame.ts.tolist(), strict=True)
    found: Sequence[list[dict[str, object]]] = [
        [] if events is None else events.heaviest(frame.symbols[symbol], ts, top) for symbol, ts in where
    ]
    tiers = [sorted({each["tier"] for each in row}) for row in found]  # type: ignore[type-var]
    return pa.array(found, pa.list_(EVENT)), pa.array(tiers, pa.list_(pa.int8()))


def _struct(kind: pa.StructType, *columns: pa.Array) -> pa.Array:
    return pa.StructArray.from_arrays(columns, fields=list(kind))


def _lists(lengths: Integers, flat: pa.Array) -> pa.Array:
    """Return lists of these lengths, cut from one array after the other."""
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), flat)
