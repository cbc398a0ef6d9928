"""Out of sample: what a model says of rows that nothing was fitted on, and by which features."""

from __future__ import annotations

import numpy as np

from distill_platform.models.chain.material import Material
from distill_platform.models.ensemble import Explained
from distill_platform.models.frames import FeatureFrame, Flags, TrainingFrame
from distill_platform.models.importance import signed_importance
from distill_platform.models.report.calibration import calibration_of
from distill_platform.models.report.view import CalibrationView, ImportanceView

_MOST_FEATURES = 20
_EXPLAINED_ROWS = 2_000  # a network is explained a hundred times slower than trees
_DAY = 86_400 * 10**9


def judged_frame(material: Material) -> TrainingFrame:
    """Return the rows from the validation window on, with as many bars before them as a sequence needs."""
    line, windows = material.line, material.windows
    start = windows.validation.start_ns - line.student.length * line.bar_ns
    return material.frame.between(max(start, windows.search.start_ns), windows.forward.end_ns)


def judged_rows(frame: TrainingFrame, material: Material) -> Flags:
    """Return which rows have their whole label in the validation or in the forward window, and may be scored."""
    windows, ts, end = material.windows, frame.features.ts, frame.label_end
    inside = [(ts >= span.start_ns) & (end < span.end_ns) for span in (windows.validation, windows.forward)]
    return (inside[0] | inside[1]) & frame.is_trainable


def newest(frame: TrainingFrame) -> FeatureFrame:
    """Return the newest rows, as many as are explained; the first of them are what sequences look back on."""
    return frame.features.rows(np.arange(len(frame))[-_EXPLAINED_ROWS:])


def calibration_on(model: Explained, frame: TrainingFrame, rows: Flags) -> CalibrationView | None:
    """Return how labels rise with a model's scores on some rows of a frame; the others are what it looks back on.

    Blocks are as long as two label horizons, and a day at least.
    """
    block = max(2 * frame.horizon_ns, _DAY)
    scores = model.scores(frame.features)
    return calibration_of(scores[rows], frame.label[rows], frame.features.ts[rows] // block)


def importance_of(model: Explained, frame: FeatureFrame) -> ImportanceView | None:
    """Return the twenty features that move a model's scores most on the rows of a frame; None if it scores none."""
    contributions = model.contributions(frame)
    values = frame.columns(model.feature_names)
    known = np.isfinite(contributions).all(axis=1) & frame.is_usable
    if not known.any():
        return None
    strengths = signed_importance(contributions[known], values[known]).tolist()
    ranked = sorted(zip(model.feature_names, strengths, strict=True), key=lambda pair: (-abs(pair[1]), pair[0]))
    return ImportanceView(tuple(ranked[:_MOST_FEATURES]), len(ranked), int(known.sum()))
