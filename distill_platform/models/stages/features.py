"""Features: what could be known at the end of every bar of a day, by symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.models.features.tables import feature_schema, to_table
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.parity import Mismatch, online_mismatches
from distill_platform.models.stage import LineFailure, Models, each_line, publish, refusals
from distill_platform.models.stages.reading import read_events, read_grid
from distill_platform.models.weeks import day_ns, days_before, event_days, history_days
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables

_ONLINE_MOMENTS = 2


def make_features(models: Models, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `features`, each computed from nothing but the bars and events it looks back on."""
    manifests = []
    for done, day in enumerate(days, 1):
        inputs: dict[str, Input] = {}
        made, failures = each_line(models, _line_day, day, inputs)
        manifests.append(_published(models, day, made, failures, inputs))
        models.progress("features", done, len(days))
    return manifests


@dataclass(frozen=True, eq=False)
class _LineDay:
    """The rows of a line's day; usable ones without a bar; and values that are others when computed alone."""

    frame: FeatureFrame
    unfounded: int
    mismatches: tuple[Mismatch, ...]


def _line_day(models: Models, line: ModelLine, day: str, inputs: dict[str, Input]) -> _LineDay:
    grid, read = read_grid(models, line, days_before(day, history_days(line)))
    inputs |= read
    events, read = read_events(models, line, days_before(day, event_days(line)))
    inputs |= read
    frame = build_features(grid, events, line.features)
    own = frame.rows(frame.ts > day_ns(day))
    moments = np.unique(own.ts)
    chosen = moments[np.linspace(0, len(moments) - 1, _ONLINE_MOMENTS).astype(np.int64)]
    traded = ~grid.is_missing[np.searchsorted(grid.ts, own.ts), own.symbol]
    mismatches = online_mismatches(own, grid, events, line.features, chosen.tolist())
    return _LineDay(own, int((own.is_usable & ~traded).sum()), tuple(mismatches))


def _published(
    models: Models, day: str, made: dict[str, _LineDay], failures: Sequence[LineFailure], inputs: dict[str, Input]
) -> Manifest:
    tables: dict[str, Any] = {name: to_table(one.frame) for name, one in made.items()}
    schemas: dict[str, pa.Schema] = {name: feature_schema(one.frame.names) for name, one in made.items()}
    rows = sum(len(one.frame) for one in made.values())
    usable = {name: int(one.frame.is_usable.sum()) for name, one in made.items()}
    unfounded = {name: one.unfounded for name, one in made.items() if one.unfounded}
    differing = [f"{name}: {found}" for name, one in made.items() for found in one.mismatches]
    told = "values that are other ones when computed alone"
    checks = [
        check("provenance", "usable rows without a bar", sum(unfounded.values()), sample=unfounded),
        check("online_equals_offline", told, len(differing), sample=differing),
    ]
    counts = Counts(rows + len(failures), rows, quarantined=refusals(failures))
    tables["refused"] = [failure.row() for failure in failures]
    return publish(models, "features", day, MadeTables(tables, inputs, counts, checks, {"usable": usable}), **schemas)
