"""Features: what could be known at the end of every bar of a day, by symbol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.models.features.tables import feature_schema, to_table
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.line import ModelLine
from distill_platform.models.parity import online_mismatches
from distill_platform.models.stage import LineFailure, Models, each_line, publish, refusals
from distill_platform.models.stages.reading import read_events, read_grid
from distill_platform.models.weeks import days_before, history_days
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables

_HOURS_A_DAY = 24
_ONLINE_MOMENTS = 2


def make_features(models: Models, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `features`; each is computed from the bars and events that it looks back on alone."""
    manifests = []
    for done, day in enumerate(days, 1):
        inputs: dict[str, Input] = {}
        made, failures = each_line(models, lambda line: _line_day(models, line, day, inputs))  # noqa: B023
        manifests.append(_published(models, day, made, failures, inputs))
        models.progress("features", done, len(days))
    return manifests


def _line_day(models: Models, line: ModelLine, day: str, inputs: dict[str, Input]) -> tuple[FeatureFrame, list[Any]]:
    """Return the rows of a day, and where computing them one by one would give something else."""
    grid, read = read_grid(models, line, days_before(day, history_days(line)))
    inputs |= read
    events, read = read_events(models, line, days_before(day, _event_days(line)))
    inputs |= read
    frame = build_features(grid, events, line.features)
    own = frame.rows(frame.ts > grid.ts[-1] - _bars_a_day(line) * line.bar_ns)
    moments = np.unique(own.ts)
    chosen = moments[np.linspace(0, len(moments) - 1, _ONLINE_MOMENTS).astype(np.int64)]
    return own, list(online_mismatches(own, grid, events, line.features, chosen.tolist()))


def _event_days(line: ModelLine) -> int:
    events = line.features.events
    return 0 if events is None else -(-events.lookback_h // _HOURS_A_DAY) + history_days(line)


def _bars_a_day(line: ModelLine) -> int:
    return 86_400 * 10**9 // line.bar_ns


def _published(
    models: Models, day: str, made: dict[str, Any], failures: Sequence[LineFailure], inputs: dict[str, Input]
) -> Manifest:
    tables: dict[str, Any] = {name: to_table(frame) for name, (frame, _) in made.items()}
    schemas: dict[str, pa.Schema] = {name: feature_schema(frame.names) for name, (frame, _) in made.items()}
    rows = sum(len(frame) for frame, _ in made.values())
    usable = {name: int(frame.is_usable.sum()) for name, (frame, _) in made.items()}
    differing = [f"{name}: {found}" for name, (_, mismatches) in made.items() for found in mismatches]
    unknown = [name for name, (frame, _) in made.items() if not frame.versions.lineage_id]
    checks = [
        check("provenance", "lines whose rows do not say what they were made of", len(unknown), sample=unknown),
        check(
            "online_equals_offline", "values that are other ones when computed alone", len(differing), sample=differing
        ),
    ]
    counts = Counts(rows + len(failures), rows, quarantined=refusals(failures))
    all_tables = {**tables, "refused": [failure.row() for failure in failures]}
    return publish(
        models, "features", day, MadeTables(all_tables, inputs, counts, checks, {"usable": usable}), **schemas
    )
