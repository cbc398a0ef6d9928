"""Normalization of channels and labels by the rows that were trained on, before any window is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Floats
from distill_platform.models.tsmixer.sequences import Singles

_CLIP = 8.0  # standard deviations: one bad tick must not fill its whole window
_CONSTANT = 1e-12  # a standard deviation below this share of the values' size is rounding


@dataclass(frozen=True, eq=False)
class Normalization:
    """Means and population standard deviations of C channels, shape (C,), and of the label, over training rows.

    A channel that does not vary in them has scale 0 and counts for nothing.
    """

    means: Floats = field(repr=False)
    scales: Floats = field(repr=False)
    label_mean: float
    label_scale: float

    def channels(self, values: npt.NDArray[np.float64]) -> Singles:
        """Return values of shape (N, C) standardized, cut at 8 standard deviations; a missing one is 0, the mean."""
        divisors = np.where(self.scales > 0.0, self.scales, np.inf)
        with np.errstate(invalid="ignore", over="ignore"):
            standardized = (values - self.means) / divisors
        known = np.where(np.isfinite(values), standardized, 0.0)
        return np.clip(known, -_CLIP, _CLIP).astype(np.float32)

    def label(self, label: Floats) -> Singles:
        """Return labels, or whatever else is in their units, standardized."""
        return ((label - self.label_mean) / self.label_scale).astype(np.float32)

    def restored(self, label: Singles) -> Floats:
        """Return standardized labels in their own units."""
        return label.astype(np.float64) * self.label_scale + self.label_mean


def fit_normalization(values: Floats, label: Floats) -> Normalization:
    """Return the normalization of some training rows: values of shape (N, C), labels of shape (N,) without NaN.

    Raises ModelError for labels that do not vary.
    """
    moments = [_moments(column[np.isfinite(column)]) for column in values.T]
    label_mean, label_scale = _moments(label)
    if not label_scale > 0.0:
        raise ModelError(f"the labels of {len(label)} training rows do not vary", hint="Widen the search window")
    means, scales = (np.array([moment[part] for moment in moments]) for part in (0, 1))
    return Normalization(means, scales, label_mean, label_scale)


def _moments(values: Floats) -> tuple[float, float]:
    """Return mean and standard deviation, 0 for the latter where values are none, constant, or beyond all floats."""
    if len(values) == 0:
        return 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not np.isfinite(mean + scale):
        return 0.0, 0.0
    return mean, scale if scale > _CONSTANT * abs(mean) else 0.0
