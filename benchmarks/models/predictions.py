"""Predictions: how many a second in batch and how long one moment takes, beside pandas with LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from benchmarks.models.laps import best_cpu_s, wall_ms
from benchmarks.models.market import SYMBOLS, headlines, hourly_bars
from benchmarks.models.pandas_peer import pandas_features
from benchmarks.table import times, to_table
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.blending import fit_scale
from distill_platform.models.boosting import Boosting, BoostingSettings, fit_boosting
from distill_platform.models.ensemble import alone
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import history_bars
from distill_platform.models.features.settings import BarFeatures, FeatureSettings
from distill_platform.models.frame_building import build_features, build_training_frame, features_at
from distill_platform.models.frames import FeatureFrame, Floats
from distill_platform.models.labels import LabelSettings
from distill_platform.models.positions import SizingSettings
from distill_platform.models.predictions.event_index import EventIndex, index_events
from distill_platform.models.predictions.predicting import ReadyModel, moments_before, predict, predict_at
from distill_platform.models.registry import ModelState, RegistryView

if TYPE_CHECKING:
    from lightgbm import Booster

AGREES_TO = 1e-6

_MOMENTS, _CALLS = 90 * 24, 500
_EVENTS_AN_HOUR = 2
_PROJECTION = ProjectionSettings()
_FULL = FeatureSettings(events=_PROJECTION)
_SHARED = FeatureSettings(bars=BarFeatures(drawdown=(), missing_bars=(), stale_bars=()), calendar=False)
_TREES = BoostingSettings(rounds=100)
_ARTIFACT = ArtifactReference(line="bench", name="tabular", version="1", artifact_sha256="0" * 64)
_VIEW = RegistryView(_ARTIFACT.line)


@dataclass(frozen=True)
class Latency:
    """Milliseconds of wall time from bars to an answer that half and 99 % of the calls do not exceed."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class PredictionRates:
    """From bars to answers for all symbols, ours and the peer's: CPU seconds in batch, latencies of one moment.

    `scored` are scores of one model over the `shared` features that both have, nothing else. `explained` are, on our
    side, rows of PREDICTIONS by a model over all `features`, those of events included; on the peer's the same scores
    as before and LightGBM's contributions to them.
    """

    rows: int
    shared: int
    features: int
    events: int
    calls: int
    scored_s: float
    peer_scored_s: float
    explained_s: float
    peer_explained_s: float
    scored: Latency
    peer_scored: Latency
    explained: Latency
    peer_explained: Latency

    def to_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return rates and latencies beside the peer's, for somebody who has not seen the code."""
        said = (
            f"From hourly bars of {len(SYMBOLS)} symbols to predictions of {_TREES.rounds} trees, one thread; in batch "
            f"{self.rows:,} rows, by CPU time; then {self.calls} single moments, by wall time, in alternation. The "
            "peer is `rolling` in pandas and LightGBM's `Booster.predict`, given just as many bars as it needs: the "
            f"same trees, the same {self.shared} features, the same scores. Explained: `pred_contrib=True` beside it; "
            f"ours is a model over {self.features} features, {self.events:,} events among their sources, and each row "
            "has its position, sized by the scores that are still held, its largest contributions with the features' "
            "values, its heaviest events with tier and age, what was missing, and the model's and the data's hashes. "
            "The models are loaded once."
        )
        rows = [
            _rate("predictions a second: scores", self.rows, self.scored_s, self.peer_scored_s),
            _rate("predictions a second: explained", self.rows, self.explained_s, self.peer_explained_s),
            *_latencies("one moment, ms: scores", self.scored, self.peer_scored),
            *_latencies("one moment, ms: explained", self.explained, self.peer_explained),
        ]
        return f"{said}\n\n{to_table(('', 'ours', 'pandas and LightGBM', 'ratio'), rows)}"


def measure_predictions(laps: int, share: float = 1.0) -> PredictionRates:
    """Return what predictions cost on `share` of a quarter of hours and calls.

    Raises AssertionError if the peer's scores are others.
    """
    side = _Sides.of(max(round(_MOMENTS * share), 2 * history_bars(_FULL)))
    if not side.gap() <= AGREES_TO:
        raise AssertionError(f"scores are {side.gap():.2g} of their spread apart from those of the peer")
    rows = len(side.grid) * len(SYMBOLS)
    best = best_cpu_s(
        {
            "scored": lambda: side.scored(build_features(side.grid, None, _SHARED)),
            "peer scored": lambda: side.peer_scored(side.grid),
            "explained": side.explained,
            "peer explained": lambda: side.peer_explained(side.grid),
        },
        laps,
    )
    calls = max(round(_CALLS * share), 10)
    waits = {name: _latency(each) for name, each in wall_ms(side.moments(), calls).items()}
    return PredictionRates(
        rows=rows,
        shared=len(side.shared.feature_names),
        features=len(side.full.model.feature_names),
        events=side.events.num_rows,
        calls=calls,
        scored_s=best["scored"],
        peer_scored_s=best["peer scored"],
        explained_s=best["explained"],
        peer_explained_s=best["peer explained"],
        scored=waits["scored"],
        peer_scored=waits["peer scored"],
        explained=waits["explained"],
        peer_explained=waits["peer explained"],
    )


def _rate(name: str, rows: int, ours_s: float, peer_s: float) -> tuple[str, ...]:
    return name, f"{rows / ours_s:,.0f}", f"{rows / peer_s:,.0f}", times(peer_s / ours_s)


def _latencies(name: str, ours: Latency, peer: Latency) -> list[tuple[str, ...]]:
    pairs = (("p50", ours.p50_ms, peer.p50_ms), ("p99", ours.p99_ms, peer.p99_ms))
    return [(f"{name}, {what}", f"{mine:.1f}", f"{theirs:.1f}", times(theirs / mine)) for what, mine, theirs in pairs]


def _latency(waited_ms: list[float]) -> Latency:
    p50, p99 = np.quantile(waited_ms, [0.5, 0.99]).tolist()
    return Latency(p50, p99)


@dataclass(frozen=True, eq=False)
class _Sides:
    """One market, our models of both sets of features, and the peer's copy of the trees over the shared ones."""

    grid: BarGrid
    events: pa.Table = field(repr=False)
    index: EventIndex = field(repr=False)
    shared: Boosting
    full: ReadyModel
    peer: Booster = field(repr=False)

    @classmethod
    def of(cls, moments: int) -> _Sides:
        """Return both sides, fitted on the very rows that they predict: only the time counts here."""
        import lightgbm

        grid, events = hourly_bars(moments), headlines(moments, _EVENTS_AN_HOUR * moments)
        shared = _fitted(build_features(grid, None, _SHARED), grid)
        full = _ready(build_features(grid, events, _FULL), grid)
        peer = lightgbm.Booster(model_str=shared.trees.decode())
        return cls(grid, events, index_events(events, _PROJECTION), shared, full, peer)

    def scored(self, frame: FeatureFrame) -> Floats:
        """Return our scores."""
        return self.shared.scores(frame)

    def explained(self) -> pa.Table:
        """Return our predictions of all moments, with all that they say of themselves."""
        frame = build_features(self.grid, self.events, _FULL)
        return predict([self.full], _VIEW, frame, self.index, 0, self.grid.interval_ns)

    def explained_at(self, ts: int) -> pa.Table:
        """Return our predictions of one moment, with all that they say of themselves."""
        return predict_at([self.full], _VIEW, self.grid, self.events, ts, _FULL)

    def peer_scored(self, grid: BarGrid, last: int | None = None) -> Floats:
        """Return the peer's scores, of the last moments of a grid or of all."""
        return np.asarray(self.peer.predict(self._peer_columns(grid, last), num_threads=1))

    def peer_explained(self, grid: BarGrid, last: int | None = None) -> tuple[Floats, Floats]:
        """Return the peer's scores, and what each feature adds to them."""
        columns = self._peer_columns(grid, last)
        scores = np.asarray(self.peer.predict(columns, num_threads=1))
        return scores, np.asarray(self.peer.predict(columns, num_threads=1, pred_contrib=True))

    def moments(self) -> Mapping[str, Any]:
        """Return both sides' ways to answer for the moment of some number."""
        need = moments_before([self.full], _FULL)

        def at(number: int) -> int:
            return int(self.grid.ts[need + number % (len(self.grid) - need)])

        def until(number: int) -> BarGrid:
            stop = need + number % (len(self.grid) - need) + 1
            return self.grid.rows(stop - history_bars(_FULL), stop)

        return {
            "scored": lambda number: self.scored(features_at(self.grid, None, at(number), _SHARED)),
            "peer scored": lambda number: self.peer_scored(until(number), last=1),
            "explained": lambda number: self.explained_at(at(number)),
            "peer explained": lambda number: self.peer_explained(until(number), last=1),
        }

    def gap(self) -> float:
        """Return the largest difference of the peer's scores from ours, beside their spread, where we have one."""
        ours, theirs = self.scored(build_features(self.grid, None, _SHARED)), self.peer_scored(self.grid)
        known = np.isfinite(ours)
        return float(np.abs(ours[known] - theirs[known]).max() / ours[known].std())

    def _peer_columns(self, grid: BarGrid, last: int | None) -> Floats:
        found = pandas_features(grid)
        rows = slice(None if last is None else -last, None)
        return np.column_stack([found[name][rows].reshape(-1) for name in self.shared.feature_names])


def _fitted(frame: FeatureFrame, grid: BarGrid) -> Boosting:
    return fit_boosting(build_training_frame(frame, grid, LabelSettings()), frame.names, _TREES, 0)


def _ready(frame: FeatureFrame, grid: BarGrid) -> ReadyModel:
    fitted = _fitted(frame, grid)
    model = alone(fitted, fit_scale(fitted.scores(frame)))  # its scores are in units of their own size
    return ReadyModel(_ARTIFACT, model, str(model.policy), ModelState.CHAMPION, 1.0, SizingSettings(), length=1)
