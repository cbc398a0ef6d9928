"""Calibration: what came after low scores, and after high ones."""

from __future__ import annotations

import numpy as np

from distill_platform.models.frames import Floats, Integers
from distill_platform.models.report.view import CalibrationView

GROUPS = 10
_FEWEST_ROWS = 10 * GROUPS
_FEWEST_BLOCKS = 2


def calibration_of(scores: Floats, labels: Floats, blocks: Integers) -> CalibrationView | None:
    """Return the rows in ten groups of rising scores, equally large; arguments have shape (N,).

    `blocks` numbers stretches of time: labels overlap in time and symbols move together, so rows of one block count as
    one observation for the standard error (`clustered_error`). Rows without a score or a label are left out; equal
    scores stay in the order of the rows. None for fewer than a hundred rows, and for scores that are all equal.
    """
    known = np.isfinite(scores) & np.isfinite(labels)
    seen, came, when = scores[known], labels[known], blocks[known]
    if len(seen) < _FEWEST_ROWS or seen.min() == seen.max():
        return None
    groups = np.array_split(np.argsort(seen, kind="stable"), GROUPS)
    return CalibrationView(
        scores=tuple(float(seen[rows].mean()) for rows in groups),
        labels=tuple(float(came[rows].mean()) for rows in groups),
        errors=tuple(clustered_error(came[rows], when[rows]) for rows in groups),
        rows=tuple(len(rows) for rows in groups),
    )


def clustered_error(values: Floats, blocks: Integers) -> float:
    """Return the standard error of the mean of `values`, whatever the dependence within a block; NaN below two blocks.

    sqrt(B / (B - 1) sum_b e_b^2) / n, where e_b are the sums over blocks of the deviations from the mean. Source:
    Cameron and Miller (2015), "A practitioner's guide to cluster-robust inference", section II.
    """
    _, places = np.unique(blocks, return_inverse=True)
    sums = np.bincount(places, weights=values - values.mean())
    if len(sums) < _FEWEST_BLOCKS:
        return float("nan")
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / len(values))
