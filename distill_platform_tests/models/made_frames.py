"""Frames with and without an edge, made from a seed."""

from collections.abc import Sequence

import numpy as np

from distill_platform.models.frames import FeatureFrame, FrameVersions, TrainingFrame
from distill_platform.models.out_of_fold import Fit, OutOfFold, adopt_out_of_fold
from distill_platform.models.validation.folds import Fold

HOUR = 3600 * 10**9
MONDAY = 4 * 24 * HOUR
VERSIONS = FrameVersions("a" * 64, "1", "b" * 64, "c" * 64)


def smooth(rng: np.random.Generator, rows: int, columns: int, memory: float) -> np.ndarray:
    """Return columns of an AR(1) process of unit variance."""
    noise = rng.normal(size=(rows, columns))
    values = np.empty_like(noise)
    values[0] = noise[0]
    for row in range(1, rows):
        values[row] = memory * values[row - 1] + np.sqrt(1.0 - memory**2) * noise[row]
    return values


def made_frame(
    bars: int = 600,
    symbols: int = 2,
    features: int = 4,
    horizon: int = 6,
    edge: float = 0.0,
    seed: int = 0,
    memory: float = 0.9,
    missing: float = 0.0,
) -> TrainingFrame:
    """Return hourly rows whose labels are overlapping sums of returns; `edge` is what feature x0 says about them."""
    rng = np.random.default_rng(seed)
    known = np.stack([smooth(rng, bars, features, memory) for _ in range(symbols)], axis=1)
    steps = edge * known[:, :, 0] / np.sqrt(horizon) + rng.normal(size=(bars, symbols))
    label = np.full((bars, symbols), np.nan)
    sums = np.vstack([np.zeros(symbols), np.cumsum(steps, axis=0)])
    label[: bars - horizon] = (sums[horizon:bars] - sums[: bars - horizon]) / np.sqrt(horizon)
    known = np.where(rng.random(known.shape) < missing, np.nan, known)
    ts = np.repeat(MONDAY + HOUR * np.arange(bars), symbols)
    frame = FeatureFrame(
        ts,
        np.tile(np.arange(symbols), bars),
        tuple("ABCDEFGH"[:symbols]),
        tuple(f"x{place}" for place in range(features)),
        known.reshape(bars * symbols, features),
        np.ones(bars * symbols, dtype=bool),
        VERSIONS,
    )
    return TrainingFrame(frame, label.ravel(), ts + horizon * HOUR, horizon * HOUR)


def score_in_sample(frame: TrainingFrame, folds: Sequence[Fold], fit: Fit) -> OutOfFold:
    """Return what a model fitted on all rows says of them, passed off as out of fold: a teacher that cheats."""
    return adopt_out_of_fold(frame, folds, fit(frame).scores(frame.features), "e" * 64)
