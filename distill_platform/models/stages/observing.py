"""Observing: what was seen of a model that serves or challenges, on each day since it stands where it stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import DistillError
from distill_platform.core.utc import EARLIEST, days_between, from_epoch
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.models.artifacts.manifest import ArtifactManifest, ArtifactReference, Period
from distill_platform.models.chain.sealing import sizing_of
from distill_platform.models.frames import FeatureFrame, Floats
from distill_platform.models.line import ModelLine
from distill_platform.models.registry import Standing
from distill_platform.models.rollout.drift import DriftBounds, DriftReading, calibrate_drift, measure_drift
from distill_platform.models.rollout.execution import Execution, execution_bounds
from distill_platform.models.rollout.observation import Observation, observation_of
from distill_platform.models.rollout.paper import PaperDay, beside_sealed, paper_days, weight_panel
from distill_platform.models.stage import Models
from distill_platform.models.stages.days import SEEN, Days, Predicted
from distill_platform.models.stages.reading import grid_of
from distill_platform.models.weeks import DAY_NS, day_ns, days_before
from distill_platform.strategies.engine.costs import CostProfile

_NS_PER_US = 1_000
_UNKNOWN = DriftReading({}, "", math.nan)
_NOTHING = PaperDay(math.nan, Execution(None, None))


@dataclass(frozen=True)
class Observed:
    """The observations of one model, and why there are none of some days."""

    observations: tuple[Observation, ...]
    unobserved: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Watch:
    """A model that is watched, with what is usual for it; its manifest is None where its artifact is refused."""

    line: ModelLine
    costs: CostProfile
    artifact: ArtifactReference
    manifest: ArtifactManifest | None
    usual: DriftBounds | None = field(repr=False)
    days: Days = field(repr=False)


def observe(
    models: Models, line: ModelLine, standing: Standing, until: str, days: Days, costs: CostProfile
) -> Observed:
    """Return what was seen of a model from the day it came to stand there up to the day `until`.

    A day counts when its predictions were made with the model standing. One that nobody can speak of is told instead;
    one whose gates did not hold, or on which nobody could find out what happened, is observed and does not pass.
    """
    manifest = _manifest(models, standing.artifact)
    usual, unknown = _calibrated(line, manifest, days)
    if unknown:
        return Observed((), (f"nobody can say what drift is usual: {unknown}",))
    one = _Watch(line, costs, standing.artifact, manifest, usual, days)
    since = [day.isoformat() for day in days_between(standing.since.date(), date.fromisoformat(until))]
    unobserved = {day: why for day in since if (why := _unknown(one, day))}
    counted = [day for day in since if day not in unobserved]
    return Observed(tuple(_observations(one, counted)), tuple(f"{day}: {why}" for day, why in unobserved.items()))


def _manifest(models: Models, artifact: ArtifactReference) -> ArtifactManifest | None:
    try:
        manifest = models.artifacts.open(artifact).manifest
        sizing_of(manifest)
    except DistillError:
        return None
    return manifest


def _calibrated(line: ModelLine, manifest: ArtifactManifest | None, days: Days) -> tuple[DriftBounds | None, str]:
    """Return what drift is usual in the model's own search window; None where nobody knows; and what is to be made."""
    if manifest is None:
        return None, ""
    read = days.frame(_days_of(manifest.windows.search))
    if read.found is None:
        return None, read.unknown
    try:
        return calibrate_drift(read.found, line.rollout.drift), ""
    except DistillError:
        return None, ""


def _days_of(period: Period) -> list[str]:
    last = (period.end - timedelta(microseconds=1)).date()
    return [day.isoformat() for day in days_between(period.start.date(), last)]


def _unknown(one: _Watch, day: str) -> str:
    """Return why nobody can speak of a day yet, "" where somebody can."""
    predicted = one.days.predictions(day)
    reads = (predicted, one.days.features(day), one.days.bars(day), one.days.frame(_blocks(one, day)))
    told = next((read.unknown for read in reads if read.unknown), "")
    if not told and predicted.found is not None and not predicted.found.knows(one.artifact.artifact_sha256):
        return "its predictions were made before the model stood there: materialize them again"
    return told


def _blocks(one: _Watch, day: str) -> list[str]:
    return days_before(day, 2 * one.line.rollout.drift.block_days - 1)


def _observations(one: _Watch, counted: Sequence[str]) -> list[Observation]:
    paper = _paper(one, counted)
    found: list[Observation] = []
    history: list[Execution] = []
    settings = one.line.rollout.execution
    for day in counted:
        own = paper.get(_number(day), _NOTHING) if one.days.predictions(day).found is not None else _NOTHING
        bounds = beside_sealed(execution_bounds(history, settings), one.costs, settings)
        at = from_epoch((day_ns(day) + DAY_NS) / 10**9)
        found.append(
            observation_of(
                one.artifact.artifact_sha256,
                at,
                _scores(one, day),
                own.ret_net,
                _drift(one, day),
                own.execution,
                bounds,
                _failed_gates(one, day),
            )
        )
        history.append(own.execution)
    return found


def _paper(one: _Watch, counted: Sequence[str]) -> Mapping[int, PaperDay]:
    """Return what the model's weights made of its days; nothing where that cannot be computed."""
    read = [one.days.bars(day).found for day in counted]
    bars = pa.concat_tables([MARKET_BARS.empty_table(), *(table for table in read if table is not None)])
    if one.manifest is None or not counted:
        return {}
    grid = grid_of(one.line, bars, days_before(counted[-1], _number(counted[-1]) - _number(counted[0])))
    if grid.is_missing.all():
        return {}
    panel = grid.to_bars()
    rows = pa.concat_tables([SEEN.empty_table(), *(_own(one, day) for day in counted)])
    try:
        return paper_days(weight_panel(rows, panel), panel, one.costs, sizing_of(one.manifest).rebalance_band)
    except DistillError:
        return {}


def _own(one: _Watch, day: str) -> pa.Table:
    found: Predicted | None = one.days.predictions(day).found
    if found is None:
        return SEEN.empty_table()
    return found.rows.filter(pc.equal(found.rows["artifact_sha256"], one.artifact.artifact_sha256))


def _scores(one: _Watch, day: str) -> Floats:
    """Return the model's scores of the day's usable rows, NaN where it has none."""
    frame = one.days.features(day).found
    if frame is None:
        return np.empty(0)
    rows = _own(one, day)
    known = dict(zip(_keys(rows), rows["score"].to_numpy().tolist(), strict=True))
    return np.array([known.get(key, math.nan) for key in _usable(frame)], dtype=np.float64)


def _keys(rows: pa.Table) -> list[tuple[int, str]]:
    return list(zip(rows["ts"].cast(pa.int64()).to_pylist(), rows["symbol"].to_pylist(), strict=True))


def _usable(frame: FeatureFrame) -> list[tuple[int, str]]:
    usable = frame.rows(frame.is_usable)
    moments = (usable.ts // _NS_PER_US).tolist()
    return [(ts, usable.symbols[place]) for ts, place in zip(moments, usable.symbol.tolist(), strict=True)]


def _drift(one: _Watch, day: str) -> DriftReading:
    read = one.days.frame(_blocks(one, day))
    if one.usual is None or read.found is None:
        return _UNKNOWN
    try:
        return measure_drift(read.found, day_ns(day) + DAY_NS, one.usual, one.line.rollout.drift)
    except DistillError:
        return _UNKNOWN


def _failed_gates(one: _Watch, day: str) -> tuple[str, ...]:
    reads = (one.days.bars(day), one.days.features(day), one.days.predictions(day))
    return tuple(gate for read in reads for gate in read.failed_gates)


def _number(day: str) -> int:
    return (date.fromisoformat(day) - EARLIEST.date()).days
