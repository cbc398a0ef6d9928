"""Predicting: what the models of a line say of some rows, sized as they were judged; by day, and at the moment itself.

Both doors give the same numbers, a network's to the rounding of float32: a prediction follows from the bars and events
that its features, its sequence and the scores that are still held look back on, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pyarrow as pa

from distill_platform.core.errors import FrameError
from distill_platform.feeds.events.projecting import HOUR_NS
from distill_platform.models.artifacts.loading import LoadedModel
from distill_platform.models.artifacts.manifest import ArtifactManifest, ArtifactReference
from distill_platform.models.chain.sealing import score_scale, sizing_of
from distill_platform.models.ensemble import Explained
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import history_bars
from distill_platform.models.features.event_window import events_until
from distill_platform.models.features.settings import FeatureSettings
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame, Floats, FrameVersions
from distill_platform.models.positions import SizingSettings, target_weights
from distill_platform.models.predictions.event_index import EventIndex, index_events
from distill_platform.models.predictions.explaining import Scored, explain
from distill_platform.models.predictions.schema import PREDICTIONS
from distill_platform.models.predictions.serving import serving
from distill_platform.models.registry import ModelState, RegistryView

_SORTED = [("ts", "ascending"), ("symbol", "ascending"), ("stage", "ascending")]


@dataclass(frozen=True, eq=False)
class ReadyModel:
    """A verified model that may predict: its unit, how it sizes positions, and how many bars a sequence of it has."""

    artifact: ArtifactReference
    model: Explained = field(repr=False)
    policy: str | None
    stage: ModelState
    scale: float
    sizing: SizingSettings
    length: int

    @property
    def bars_before(self) -> int:
        """Return how many bars before a row its weight depends on: those held, and the sequence of the first of them.

        Features look back further; see `features.catalogue.history_bars`.
        """
        return self.length - 1 + self.sizing.hold_bars - 1


def ready(loaded: LoadedModel, stage: ModelState) -> ReadyModel:
    """Return a verified model as one that may predict; ArtifactMalformed where it does not say how it is sized."""
    manifest = loaded.verified.manifest
    return ReadyModel(
        artifact=manifest.reference,
        model=cast(Explained, loaded.scorer),
        policy=manifest.ensemble_policy,
        stage=stage,
        scale=score_scale(manifest),
        sizing=sizing_of(manifest),
        length=manifest.n_tokens,
    )


def refuse_other_features(manifest: ArtifactManifest, versions: FrameVersions) -> None:
    """Raise FrameError unless features mean what they meant when the model was fitted."""
    for name, sealed, served in (
        ("schema", manifest.feature_payload_schema_version, versions.schema_hash),
        ("version", manifest.feature_version, versions.feature_version),
    ):
        if sealed != served:
            message = f"{manifest.name} {manifest.version} was fitted on features of {name} {sealed[:12]}"
            raise FrameError(
                f"{message}, and these are of {served[:12]}", hint="Train it on the features there are now"
            )


def predict(
    models: Sequence[ReadyModel],
    view: RegistryView,
    frame: FeatureFrame,
    events: EventIndex | None,
    after_ns: int,
    bar_ns: int,
) -> pa.Table:
    """Return the rows of PREDICTIONS of every model for the rows of `frame` that end after `after_ns`.

    `frame` begins `bars_before` of every model earlier; `view` says who decides on which row. Errors: those of the
    models, `target_weights` and `explain`.
    """
    asked = frame.rows(frame.ts > after_ns)
    decides = serving(view, asked)
    nobody = np.zeros(len(asked), dtype=np.bool_)
    tables = [PREDICTIONS.empty_table()]
    for one in models:
        serves = decides.get(one.artifact.artifact_sha256, nobody)
        scores, weights = _sized(one, frame, after_ns, bar_ns)
        added = _added(one, frame, after_ns, bar_ns)
        scored = Scored(
            one.artifact, one.policy, one.stage, asked, one.model.feature_names, scores, weights, added, serves
        )
        tables.append(explain(scored, events))
    return pa.concat_tables(tables).sort_by(_SORTED)


def predict_at(
    models: Sequence[ReadyModel],
    view: RegistryView,
    grid: BarGrid,
    events: pa.Table | None,
    ts: int,
    settings: FeatureSettings,
) -> pa.Table:
    """Return the rows of PREDICTIONS of one moment: online, from the bars and events until then.

    `grid` ends at `ts` or later and holds `moments_before` moments before it. Only versions and lineage are others
    than those of the day that is made later: they name the bars and events that were looked at. Raises FrameError for
    a grid that does not go back far enough. Other errors: as `predict`.
    """
    before = moments_before(models, settings)
    stop = int(np.searchsorted(grid.ts, ts, "right"))
    if stop == 0 or grid.ts[stop - 1] != ts or stop <= before:
        raise FrameError(f"the grid does not have the moment {ts} and {before} before it")
    first = int(grid.ts[stop - 1 - _bars_before(models)])
    known = _seen(events, first, ts, settings)
    frame = build_features(grid.rows(stop - before - 1, stop), known, settings)
    index = None if known is None or settings.events is None else index_events(known, settings.events)
    return predict(models, view, frame, index, ts - grid.interval_ns, grid.interval_ns)


def moments_before(models: Sequence[ReadyModel], settings: FeatureSettings) -> int:
    """Return how many moments before one a prediction looks back on, features and all."""
    return history_bars(settings) + _bars_before(models)


def _bars_before(models: Sequence[ReadyModel]) -> int:
    return max((one.bars_before for one in models), default=0)


def _seen(events: pa.Table | None, first: int, last: int, settings: FeatureSettings) -> pa.Table | None:
    """Return the events that the features from one moment to another can see; None for features that see none."""
    if events is None or settings.events is None:
        return None
    return events_until(events, last, first - settings.events.lookback_h * HOUR_NS)


def _sized(one: ReadyModel, frame: FeatureFrame, after_ns: int, bar_ns: int) -> tuple[Floats, Floats]:
    """Return scores and weights of the rows after a moment."""
    seen = frame.rows(frame.ts > after_ns - one.bars_before * bar_ns)
    scores = one.model.scores(seen)
    moments, rows = np.unique(seen.ts, return_inverse=True)
    panel = np.full((len(moments), len(seen.symbols)), np.nan)
    panel[rows, seen.symbol] = np.where(seen.is_usable, scores, np.nan)
    weights = target_weights(panel, moments, one.scale, one.sizing, bar_ns)
    wanted = seen.ts > after_ns
    return scores[wanted], weights[rows, seen.symbol][wanted]


def _added(one: ReadyModel, frame: FeatureFrame, after_ns: int, bar_ns: int) -> Floats:
    """Return what each feature added to the scores of the rows after a moment, shape (N, F)."""
    seen = frame.rows(frame.ts > after_ns - (one.length - 1) * bar_ns)
    return one.model.contributions(seen)[seen.ts > after_ns]
