"""Made-up panels of features, with labels that only a look at the sequence explains."""

import numpy as np

from distill_platform.models.frames import FeatureFrame, FrameVersions, Integers, TrainingFrame
from distill_platform.models.tsmixer.settings import Device, StudentSettings
from distill_platform.models.tsmixer.teaching import TeacherTargets

HOUR = 3_600 * 10**9
START = 400_000 * HOUR
VERSIONS = FrameVersions("schema", "features/1", "data", "lineage")
QUICK = StudentSettings(length=8, blocks=1, hidden=8, dropout=0.1, epochs=12, batch=128, device=Device.CPU)
PROOF = "a" * 64


def panel(hours: int = 500, symbols: int = 3, features: int = 4, *, seed: int = 1) -> FeatureFrame:
    """Independent normal features for every symbol and hour."""
    names = tuple(f"f{number}" for number in range(features))
    return FeatureFrame(
        ts=np.repeat(START + np.arange(hours) * HOUR, symbols),
        symbol=np.tile(np.arange(symbols), hours),
        symbols=tuple("ABCDEFGH"[:symbols]),
        names=names,
        values=np.random.default_rng(seed).normal(0.0, 1.0, (hours * symbols, features)),
        is_usable=np.ones(hours * symbols, dtype=bool),
        versions=VERSIONS,
    )


def before(frame: FeatureFrame, hours: int) -> np.ndarray:
    """The first feature so many hours earlier, 0 where there was none yet."""
    values = frame.values[:, 0].reshape(-1, len(frame.symbols))
    shifted = np.zeros_like(values)
    shifted[hours:] = values[: len(values) - hours]
    return shifted.ravel()


def labelled(frame: FeatureFrame, label: np.ndarray, horizon: int = 2) -> TrainingFrame:
    return TrainingFrame(frame, label, frame.ts + horizon * HOUR, horizon * HOUR)


def planted(hours: int = 500, symbols: int = 3, *, noise: float = 0.3, seed: int = 1) -> TrainingFrame:
    """The label is what the first feature was five hours ago, less what it was two hours ago, and noise."""
    frame = panel(hours, symbols, seed=seed)
    random = np.random.default_rng(seed + 1)
    return labelled(frame, before(frame, 5) - before(frame, 2) + random.normal(0.0, noise, len(frame)))


def halves(frame: TrainingFrame) -> list[tuple[Integers, Integers]]:
    """Two folds in time, each trained on the other half without the rows whose label touches it."""
    middle = int(np.median(frame.features.ts))
    first = np.flatnonzero(frame.label_end < middle)
    second = np.flatnonzero(frame.features.ts > middle + 2 * frame.horizon_ns)
    early, late = np.flatnonzero(frame.features.ts < middle), np.flatnonzero(frame.features.ts >= middle)
    return [(second, early), (first, late)]


def taught(frame: TrainingFrame, scores: np.ndarray) -> TeacherTargets:
    """Scores as if by a teacher that was trained on the other half of time for each."""
    folds = halves(frame)
    fold = np.zeros(len(frame), dtype=np.int64)
    fold[folds[1][1]] = 1
    return TeacherTargets(scores, fold, (folds[0][0], folds[1][0]), PROOF)
