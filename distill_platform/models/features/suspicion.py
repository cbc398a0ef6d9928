"""Suspicion: features that know the label too well, however causal their computation is.

Truncation sees what a computation does with the future. It cannot see a future that came in with the data: events
stamped with the day that they are about, bars corrected afterwards. Such a feature gives itself away by how well it
predicts: nobody's hourly feature has a rank correlation of 0.3 with what comes next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from distill_platform.models.frames import Flags, Floats, TrainingFrame
from distill_platform.stats import correlation_matrix

_FEWEST_ROWS = 30
_HOUR_NS = 3_600 * 10**9
_RARE = 0.5  # a feature that is the same in more rows than this says what it says in the others
_SURELY = 6.0  # standard errors of a rank correlation of nothing, over labels that do not overlap


@dataclass(frozen=True)
class Suspicion:
    """A feature, or whether it is missing, and its rank correlation with the label over `rows` rows."""

    feature: str
    rank_correlation: float
    rows: int
    is_of_missingness: bool


def suspicious_features(frame: TrainingFrame, bound: float) -> list[Suspicion]:
    """Return the features whose rank correlation with the label (Spearman, ties sharing ranks) exceeds `bound`.

    Looks at trainable rows only; so it must be the rows to be trained on, never those that a model is judged by. Which
    values are missing is looked at as well. Fewer than 30 rows, or values that are all equal, say nothing. A leak may
    sit in one symbol, in one hour of the day, or in the few rows in which something happened: where all rows together
    show nothing, each of these parts is looked at. Its correlation must also exceed six standard errors, counting
    labels that do not overlap.
    """
    kept = frame.rows(frame.is_trainable)
    values, label = kept.features.values, kept.label
    found: list[Suspicion] = []
    for place, name in enumerate(frame.features.names):
        known = np.isfinite(values[:, place])
        rows = int(known.sum())
        inside = Suspicion(name, _rank_correlation(values[known, place], label[known]), rows, is_of_missingness=False)
        found.append(inside if abs(inside.rank_correlation) > bound else _in_part(kept, place, known, bound) or inside)
        if rows < len(known):
            missing = _rank_correlation((~known).astype(np.float64), label)
            found.append(Suspicion(name, missing, len(known), is_of_missingness=True))
    return [each for each in found if abs(each.rank_correlation) > bound]


def _in_part(kept: TrainingFrame, place: int, known: Flags, bound: float) -> Suspicion | None:
    """Return what a part of the rows shows beyond doubt, if any does."""
    values = kept.features.values[:, place]
    for part in _parts(kept, values, known):
        spans = len(np.unique(kept.features.ts[part] // max(1, kept.horizon_ns)))
        needed = max(bound, _SURELY / math.sqrt(max(1, spans)))
        found = _rank_correlation(values[part], kept.label[part]) if needed < 1.0 else math.nan
        if abs(found) > needed:
            return Suspicion(kept.features.names[place], found, int(part.sum()), is_of_missingness=False)
    return None


def _parts(kept: TrainingFrame, values: Floats, known: Flags) -> Iterator[Flags]:
    """Yield the known rows of each symbol and hour, and those in which the feature is not what it is in most."""
    for key in (kept.features.symbol, kept.features.ts // _HOUR_NS % 24):
        for each in np.unique(key):
            yield known & (key == each)
    found, counts = np.unique(values[known], return_counts=True)
    if len(found) and counts.max() > _RARE * known.sum():
        yield known & (values != found[np.argmax(counts)])


def _rank_correlation(left: Floats, right: Floats) -> float:
    """Return Spearman's rank correlation; NaN for too few rows or where one side does not vary."""
    if len(left) < _FEWEST_ROWS:
        return float("nan")
    return float(correlation_matrix(np.column_stack([_ranks(left), _ranks(right)]))[0, 1])


def _ranks(values: Floats) -> Floats:
    """Return ranks from 0, ties sharing the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts + 1) / 2.0)[places]
    return ranks
