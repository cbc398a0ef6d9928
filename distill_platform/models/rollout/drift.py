"""Drift: whether a feature's last block of days is further from the one before than such blocks usually are.

The statistic is the population stability index over bins of the feature's own history, missing values and values
beyond all history among them. A fixed bound of 0.25 is crossed in most ordinary weeks by features that remember their
past, so each feature is held against its own history, and the worst of all features against that of the worst.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from distill_platform.core.errors import RolloutError
from distill_platform.models.frames import FeatureFrame, Floats, Integers
from distill_platform.models.rollout.settings import DriftSettings

_DAY = 86_400 * 10**9
_TAIL = 0.8  # beyond this quantile an exponential tail is fitted: history is too short to count 1 in 200
_NEGLIGIBLE = 0.1  # a stability index below this is called no change by everybody who uses one
_SHARE = 1e-3  # added to each bin's share, so that an empty one is not infinitely far from any other


@dataclass(frozen=True, eq=False)
class DriftBounds:
    """What is usual: the inner edges of each feature's bins, shape (F, B + 1), the bound on its statistic, shape (F,).

    `worst` bounds the largest of statistic / bound over all features. Both are NaN where history was too short.
    `comparisons` is the number of blocks that were compared with the ones before them.
    """

    names: tuple[str, ...]
    edges: Floats = field(repr=False)
    bounds: Floats = field(repr=False)
    worst: float
    comparisons: int


@dataclass(frozen=True)
class DriftReading:
    """What one block came to: `statistics` by feature, and the feature that went furthest beyond its own bound.

    `ratio` is how far that one went in units of what the worst feature usually does: above 1 is drift. NaN, and no
    `feature`, where a block has no rows or nothing is known of what is usual, of a feature that might be the one.
    """

    statistics: Mapping[str, float] = field(repr=False)
    feature: str
    ratio: float


def calibrate_drift(history: FeatureFrame, settings: DriftSettings) -> DriftBounds:
    """Return what drift is usual in a history, from each block of days against the one before, a day apart.

    Only usable rows are looked at. Raises RolloutError for a history without any.
    """
    used = history.rows(history.is_usable)
    if not len(used):
        raise RolloutError("no row of the history can be used: nobody knows what drift is usual")
    edges = _edges(used.values, settings.bins)
    statistics = _history_of(_daily_counts(used, edges), settings.block_days)
    if len(statistics) < settings.min_blocks * settings.block_days:
        unknown = np.full(len(used.names), np.nan)
        return DriftBounds(used.names, edges, unknown, np.nan, len(statistics))
    bounds = np.array([max(_quantile(column, settings.quantile), _NEGLIGIBLE) for column in statistics.T])
    worst = max(_quantile((statistics / bounds).max(axis=1), settings.quantile), 1.0)
    return DriftBounds(used.names, edges, bounds, worst, len(statistics))


def measure_drift(frame: FeatureFrame, end_ns: int, known: DriftBounds, settings: DriftSettings) -> DriftReading:
    """Return how the block that ends at `end_ns` differs from the one before it; rows of both are in `frame`.

    Raises RolloutError for a frame of other features than were calibrated.
    """
    if frame.names != known.names:
        raise RolloutError("the frame has other features than the history that drift was calibrated on")
    block = settings.block_days * _DAY
    now, before = (_between(frame, end_ns - (back + 1) * block, end_ns - back * block) for back in (0, 1))
    if not len(now) or not len(before):
        return DriftReading({}, "", np.nan)
    found = _stability(_counts(now.values, known.edges), _counts(before.values, known.edges))
    ratios = found / known.bounds / known.worst
    statistics = dict(zip(known.names, found.tolist(), strict=True))
    furthest = int(np.argmax(np.where(np.isnan(ratios), -np.inf, ratios)))
    if not np.isfinite(ratios).all() and not ratios[furthest] > 1.0:
        return DriftReading(statistics, "", np.nan)
    return DriftReading(statistics, known.names[furthest], float(ratios[furthest]))


def _between(frame: FeatureFrame, start_ns: int, end_ns: int) -> FeatureFrame:
    return frame.rows(frame.is_usable & (frame.ts > start_ns) & (frame.ts <= end_ns))


def _edges(values: Floats, bins: int) -> Floats:
    """Return each feature's smallest value, the borders of bins of equal shares, and its largest, shape (F, B + 1)."""
    edges = np.full((values.shape[1], bins + 1), np.inf)
    for column in range(values.shape[1]):
        known = values[np.isfinite(values[:, column]), column]
        if len(known):
            edges[column] = np.quantile(known, np.linspace(0.0, 1.0, bins + 1))
    return edges


def _bin_of(values: Floats, edges: Floats) -> Integers:
    """Return the bin of each value: 0 below all history, B + 1 above it, B + 2 for a missing one."""
    size = edges.shape[1]
    found = np.empty(values.shape, dtype=np.int64)
    for column in range(values.shape[1]):
        own = values[:, column]
        inner = np.searchsorted(edges[column, 1:-1], own, side="right") + 1
        outside = np.where(own < edges[column, 0], 0, np.where(own > edges[column, -1], size, inner))
        found[:, column] = np.where(np.isfinite(own), outside, size + 1)
    return found


def _counts(values: Floats, edges: Floats) -> Floats:
    """Return how many values are in each bin, shape (F, B + 3)."""
    size = edges.shape[1] + 2
    shifted = _bin_of(values, edges) + np.arange(values.shape[1]) * size
    return np.bincount(shifted.ravel(), minlength=size * values.shape[1]).reshape(-1, size).astype(np.float64)


def _daily_counts(frame: FeatureFrame, edges: Floats) -> Floats:
    """Return the counts of each day from the first to the last, shape (D, F, B + 3)."""
    days = (frame.ts - 1) // _DAY
    days -= days.min()
    order = np.argsort(days, kind="stable")
    starts = np.searchsorted(days[order], np.arange(days.max() + 2))
    blocks = (frame.values[order[first:last]] for first, last in pairwise(starts))
    return np.stack([_counts(block, edges) for block in blocks])


def _history_of(daily: Floats, block_days: int) -> Floats:
    """Return the statistic of each block against the one before, shape (blocks, F), of those that have rows in both."""
    running = np.concatenate([np.zeros((1, *daily.shape[1:])), daily.cumsum(axis=0)])
    blocks = running[block_days:] - running[:-block_days]
    now, before = blocks[block_days:], blocks[:-block_days]
    filled = (now.sum(axis=(1, 2)) > 0) & (before.sum(axis=(1, 2)) > 0)
    return _stability(now[filled], before[filled])


def _stability(now: Floats, before: Floats) -> Floats:
    """Return sum (p - q) ln(p / q) over the shares of bins, the last axis; the same shares of more rows differ by 0."""
    first, second = (counts / counts.sum(axis=-1, keepdims=True) + _SHARE for counts in (now, before))
    found: Floats = ((first - second) * np.log(first / second)).sum(axis=-1)
    return found


def _quantile(history: Floats, quantile: float) -> float:
    """Return a quantile of a history's distribution, its tail taken for exponential beyond the 80th percentile."""
    start = float(np.quantile(history, _TAIL))
    excess = history[history > start] - start
    mean = float(excess.mean()) if len(excess) else 0.0
    return start + mean * float(np.log((1.0 - _TAIL) / (1.0 - quantile)))
