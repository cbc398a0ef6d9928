"""The frozen baseline: two plain models on bars alone, fitted once, that every later candidate must beat.

They are what anybody would try first. Whatever a candidate adds, events, a network or a search, has to show against
them; were they fitted anew each week, they would drift along with what they are there to measure.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from distill_platform.core.config import StrictModel
from distill_platform.models.boosting import BoostingSettings
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.ridge import RidgeSettings
from distill_platform.models.teacher import TabularFit, TabularKind, Teacher, TeacherSettings, fit_teacher
from distill_platform.models.validation.folds import Fold

CONTROL_ARMS = ("control_ridge", "control_lightgbm")


class BaselineSettings(StrictModel):
    """How the control arms are fitted, the one time that they are."""

    ridge: RidgeSettings = RidgeSettings()
    boosting: BoostingSettings = BoostingSettings()
    seed: int = Field(default=0, ge=0, lt=2**31)


def fit_control_arms(
    frame: TrainingFrame, folds: Sequence[Fold], bar_features: tuple[str, ...], settings: BaselineSettings
) -> dict[str, Teacher]:
    """Return both control arms by name, fitted on the trainable rows of a frame over its bar features.

    The same frame gives the same bytes; to freeze them is the registry's. Raises KeyError for a feature that the frame
    does not have. Other errors: `fit_teacher`.
    """
    kinds = dict(zip(CONTROL_ARMS, (TabularKind.RIDGE, TabularKind.LIGHTGBM), strict=True))
    return {
        name: fit_teacher(frame, folds, TabularFit(_settings(kind, settings), bar_features))
        for name, kind in kinds.items()
    }


def _settings(kind: TabularKind, settings: BaselineSettings) -> TeacherSettings:
    return TeacherSettings(kind=kind, ridge=settings.ridge, boosting=settings.boosting, seed=settings.seed)
