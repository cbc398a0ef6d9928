"""Predicting: what the models that served or challenged when a day began said of it, and which of them decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import ArtifactRefused, DistillError
from distill_platform.core.utc import from_epoch
from distill_platform.evaluation.stage import ledger_input
from distill_platform.models.artifacts.loading import load_model
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.frames import Flags, FrameVersions
from distill_platform.models.line import ModelLine
from distill_platform.models.predictions.event_index import EventIndex, index_events
from distill_platform.models.predictions.predicting import ReadyModel, predict, ready, refuse_other_features
from distill_platform.models.predictions.schema import PREDICTIONS
from distill_platform.models.registry import Standing, registry_view
from distill_platform.models.registry_history import view_at
from distill_platform.models.rollout.rolling import watched
from distill_platform.models.stage import Models, each_line, publish
from distill_platform.models.stages.reading import read_events, read_features
from distill_platform.models.weeks import day_ns, days_before, days_of_bars, event_days
from distill_platform.store.lake import Check, Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables

_ROUNDING = 1e-9


def predict_day(models: Models, day: str) -> Manifest:
    """Return the published day of `predictions`: the same whenever it is made, for the same features and events."""
    inputs: dict[str, Input] = {}
    made, failures = each_line(models, _predicted, day, inputs)
    table = pa.concat_tables([PREDICTIONS.empty_table(), *(one.table for one in made.values())])
    refused = [failure.row() for failure in failures] + [row for one in made.values() for row in one.refused]
    quarantined = {"refused": len(refused)} if refused else {}
    counts = Counts(table.num_rows + len(refused), table.num_rows, quarantined=quarantined)
    tables = {"predictions": table, "refused": refused}
    return publish(models, "predictions", day, MadeTables(tables, inputs, counts, list(_checks(models, table))))


@dataclass(frozen=True, eq=False)
class _Predicted:
    """What a line's models said, and which of them were not asked."""

    table: pa.Table = field(repr=False)
    refused: list[dict[str, str]]


def _predicted(models: Models, line: ModelLine, day: str, inputs: dict[str, Input]) -> _Predicted:
    view = view_at(models.ledger, line.name, from_epoch(day_ns(day) / 10**9))
    inputs[f"registry:{line.name}"] = ledger_input(each.event.to_body() for each in view.history)
    standings = watched(view)
    if not standings:
        return _Predicted(PREDICTIONS.empty_table(), [])
    today, read = read_features(models, line, [day])
    inputs |= read
    asked, refused = _ready(models, standings, today.versions)
    days = max((days_of_bars(line, one.bars_before) for one in asked), default=0)
    frame, read = read_features(models, line, days_before(day, days))
    inputs |= read
    index = _event_index(models, line, day, inputs)
    return _Predicted(predict(asked, view, frame, index, day_ns(day), line.bar_ns), refused)


def _ready(
    models: Models, standings: tuple[Standing, ...], versions: FrameVersions
) -> tuple[list[ReadyModel], list[dict[str, str]]]:
    """Return the models that may be asked, verified anew, and a row for each that may not."""
    asked, refused = [], []
    for standing in standings:
        artifact = standing.artifact
        try:
            loaded = load_model(models.artifacts, artifact)
            refuse_other_features(loaded.verified.manifest, versions)
            asked.append(ready(loaded, standing.state))
        except DistillError as error:
            reason = f"{artifact.name} {artifact.version}: {type(error).__name__}: {error}"
            refused.append({"line": artifact.line, "reason": reason, "artifact_sha256": artifact.artifact_sha256})
    return asked, refused


def _event_index(models: Models, line: ModelLine, day: str, inputs: dict[str, Input]) -> EventIndex | None:
    events, read = read_events(models, line, days_before(day, event_days(line)))
    inputs |= read
    settings = line.features.events
    return None if events is None or settings is None else index_events(events, settings)


def _checks(models: Models, table: pa.Table) -> Iterator[Check]:
    unproven = list(_unproven(models, table))
    told = "models that are not in the registry, or not sealed as they are told"
    yield check("provenance", told, len(unproven), sample=unproven)
    serving = table.filter(table["serves"]).group_by(["line", "symbol", "ts"]).aggregate([([], "count_all")])
    twice = serving.filter(pc.greater(serving["count_all"], 1))
    told = "symbols and moments that more than one model decided on"
    yield check("one_decides", told, twice.num_rows, sample=[f"{row['symbol']} {row['ts']}" for row in _few(twice)])
    wrong = table.filter(pa.array(~_sums(table)))
    told = "scores that are not the sum of what the features added"
    yield check("sums", told, wrong.num_rows, sample=[f"{row['symbol']} {row['ts']}" for row in _few(wrong)])


def _unproven(models: Models, table: pa.Table) -> Iterator[str]:
    """Yield the names of models with rows that no verified artifact of the registry made."""
    columns = ["line", "model_name", "model_version", "artifact_sha256"]
    for row in table.group_by(columns).aggregate([]).to_pylist():
        reference = ArtifactReference(
            line=row["line"],
            name=row["model_name"],
            version=row["model_version"],
            artifact_sha256=row["artifact_sha256"],
        )
        standing = registry_view(models.ledger, reference.line).standing(reference.artifact_sha256)
        try:
            models.artifacts.open(reference)
        except ArtifactRefused:
            standing = None
        if standing is None or standing.artifact != reference:
            yield f"{reference.name} {reference.version}"


def _sums(table: pa.Table) -> Flags:
    """Return for each row whether its contributions sum to its score; a row without a score has none."""
    lists = table["contributions"].combine_chunks()
    parents = pc.list_parent_indices(lists).to_numpy()
    parts = pc.struct_field(pc.list_flatten(lists), "contribution").to_numpy()
    total = np.bincount(parents, weights=parts, minlength=table.num_rows)
    count = np.bincount(parents, minlength=table.num_rows)
    score = table["score"].to_numpy()
    near = np.abs(total - score) <= _ROUNDING * np.maximum(1.0, np.abs(score))
    sums: Flags = np.where(np.isnan(score), count == 0, near)
    return sums


def _few(table: pa.Table) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = table.slice(0, 5).to_pylist()
    return rows
