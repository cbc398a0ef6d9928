"""The tabular teacher: one procedure, scored out of fold over the search window and then fitted on all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel
from distill_platform.models.boosting import BoostingSettings, fit_boosting
from distill_platform.models.frames import TrainingFrame
from distill_platform.models.out_of_fold import Fit, OutOfFold, fold_table, model_sha256, score_out_of_fold
from distill_platform.models.ridge import RidgeSettings, fit_ridge
from distill_platform.models.scoring import Scorer
from distill_platform.models.validation.folds import Fold


class TabularKind(StrEnum):
    """The families of models that see one row at a time."""

    LIGHTGBM = "lightgbm"
    RIDGE = "ridge"


class TeacherSettings(StrictModel):
    """Which family teaches, and how it is fitted."""

    kind: Annotated[TabularKind, BeforeValidator(TabularKind)] = TabularKind.LIGHTGBM
    ridge: RidgeSettings = RidgeSettings()
    boosting: BoostingSettings = BoostingSettings()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


@dataclass(frozen=True)
class TabularFit:
    """A fitting procedure as a value that can be sent to another process; see `out_of_fold.Fit`.

    `names` are the features that the model sees, all of the frame's if there are none.
    """

    settings: TeacherSettings
    names: tuple[str, ...] = ()
    threads: int = 1

    def __call__(self, frame: TrainingFrame) -> Scorer:
        """Return the model fitted on the trainable rows of a frame. Errors: `fit_ridge`, `fit_boosting`."""
        names = self.names or frame.features.names
        if self.settings.kind is TabularKind.RIDGE:
            return fit_ridge(frame, names, self.settings.ridge)
        return fit_boosting(frame, names, self.settings.boosting, self.settings.seed, self.threads)


@dataclass(frozen=True, eq=False)
class Teacher:
    """A model fitted on the whole search window, with what its procedure did out of fold there.

    `report` are JSON values, the same for the same training; the manifest of its artifact holds `report_sha256`.
    """

    model: Scorer
    out_of_fold: OutOfFold = field(repr=False)
    report: dict[str, Any] = field(repr=False)

    @property
    def report_sha256(self) -> str:
        """Return the hash of the report."""
        return sig_hash(self.report)


def fit_teacher(frame: TrainingFrame, folds: Sequence[Fold], fit: Fit) -> Teacher:
    """Return the teacher of a search window: the procedure scored on each fold, then fitted on all of its rows.

    Raises LeakError for a fold that leaks. Other errors: those of `fit`.
    """
    found = score_out_of_fold(frame, folds, fit)
    model = fit(frame)
    report = {
        "kind": model.kind,
        "model_sha256": model_sha256(model),
        "proof_sha256": found.proof_sha256,
        "features": list(model.feature_names),
        "rows": int(frame.is_trainable.sum()),
        "mean_rank_ic": found.mean_rank_ic,
        "folds": fold_table(found),
    }
    return Teacher(model, found, report)
