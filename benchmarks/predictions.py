"""Predictions: one moment of five symbols online, from bars and events to a weight with what it was made of."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.features import event_table, market_grid
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.boosting import BoostingSettings, fit_boosting
from distill_platform.models.ensemble import alone
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frame_building import build_features, build_training_frame
from distill_platform.models.labels import LabelSettings
from distill_platform.models.positions import SizingSettings
from distill_platform.models.predictions.predicting import ReadyModel, moments_before, predict_at
from distill_platform.models.registry import ModelState, RegistryView

_SETTINGS = FeatureSettings(events=ProjectionSettings())
_LINE = "benchmark"


@dataclass(frozen=True)
class PredictionLatency:
    """Milliseconds from bars and events to explained predictions of one moment: the median and the 99th percentile."""

    calls: int
    symbols: int
    features: int
    events: int
    p50_ms: float
    p99_ms: float


def measure_predictions(calls: int, moments: int = 3_000, events: int = 20_000) -> PredictionLatency:
    """Return how long a prediction takes online, features included; the first call, which compiles, does not count."""
    grid, reports = market_grid(moments), event_table(moments, events)
    frame = build_training_frame(build_features(grid, reports, _SETTINGS), grid, LabelSettings())
    names = frame.features.names
    model = alone(fit_boosting(frame.rows(frame.is_trainable), names, BoostingSettings(rounds=100), 0, 1), 1.0)
    artifact = ArtifactReference(line=_LINE, name="trees", version="1", artifact_sha256="0" * 64)
    ready = ReadyModel(artifact, model, str(model.policy), ModelState.SHADOW, 1.0, SizingSettings(), 1)
    tail = grid.rows(len(grid) - moments_before([ready], _SETTINGS) - calls - 1, len(grid))
    took = []
    for ts in tail.ts[-calls - 1 :].tolist():
        start = time.perf_counter()
        predict_at([ready], RegistryView(_LINE), tail, reports, ts, _SETTINGS)
        took.append((time.perf_counter() - start) * 1e3)
    p50, p99 = np.percentile(took[1:], [50, 99]).tolist()
    return PredictionLatency(calls, len(grid.symbols), len(names), reports.num_rows, p50, p99)
