"""Suspicion: features that know the label too well, however causal their computation is.

Truncation sees what a computation does with the future. It cannot see a future that came in with the data: events
stamped with the day that they are about, bars corrected afterwards. Such a feature gives itself away by how well it
predicts: nobody's hourly feature has a rank correlation of 0.3 with what comes next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill_platform.models.frames import Floats, TrainingFrame
from distill_platform.stats import correlation_matrix

_FEWEST_ROWS = 30


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
    values are missing is looked at as well. Fewer than 30 rows, or values that are all equal, say nothing.
    """
    kept = frame.is_trainable
    values, label = frame.features.values[kept], frame.label[kept]
    found: list[Suspicion] = []
    for place, name in enumerate(frame.features.names):
        known = np.isfinite(values[:, place])
        rows = int(known.sum())
        inside = _rank_correlation(values[known, place], label[known])
        found.append(Suspicion(name, inside, rows, is_of_missingness=False))
        if rows < len(known):
            missing = _rank_correlation((~known).astype(np.float64), label)
            found.append(Suspicion(name, missing, len(known), is_of_missingness=True))
    return [each for each in found if abs(each.rank_correlation) > bound]


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
