"""Out of fold: every row scored by a model that never saw what the row is judged by, and the proof of it.

A model that scored its own training rows has learnt their labels by heart: whatever is taught or blended by such scores
learns the labels, not the model. So scores come with the rows that each fold was fitted on, and whoever uses them calls
`verify_out_of_fold` before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from distill_platform.core.canon import sha256_hex, sig_hash
from distill_platform.core.errors import LeakError
from distill_platform.models.frames import Flags, Floats, Integers, TrainingFrame
from distill_platform.models.scoring import Scorer
from distill_platform.models.validation.folds import Fold, fold_numbers, refuse_leaks, rows_sha256
from distill_platform.stats import rank_correlation

Fit = Callable[[TrainingFrame], Scorer]
"""A whole procedure: the rows to learn from in, a fitted model out; the same rows, the same model."""


@dataclass(frozen=True, slots=True)
class FoldFit:
    """How the model of one fold did on the fold's test rows.

    `rank_ic` is the rank correlation of scores and labels, NaN for scores that do not vary. `null_mse` is the squared
    error of the mean label of the training rows: a model that knows nothing should not be worse.
    """

    fold: int
    model_sha256: str
    rank_ic: float
    mse: float
    null_mse: float


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Scores of the N rows of a frame, each by the model of the fold that tests it; NaN and fold -1 where none does."""

    scores: Floats = field(repr=False)
    fold: Integers = field(repr=False)
    folds: tuple[Fold, ...] = field(repr=False)
    fits: tuple[FoldFit, ...]

    @property
    def is_out_of_fold(self) -> Flags:
        """Return which rows have a score that is out of fold."""
        return (self.fold >= 0) & np.isfinite(self.scores)

    @property
    def mean_rank_ic(self) -> float:
        """Return the mean of the folds' rank correlations, NaN without a fold; constant scores order nothing: 0."""
        if not self.fits:
            return math.nan
        return math.fsum(0.0 if math.isnan(fit.rank_ic) else fit.rank_ic for fit in self.fits) / len(self.fits)

    @property
    def proof_sha256(self) -> str:
        """Return the hash of the proof: which rows each fold trained and tested on, its model, and all scores."""
        folds = [asdict(fold.proof) | {"model_sha256": fit.model_sha256} for fold, fit in self._pairs()]
        return sig_hash({"folds": folds, "scores_sha256": sha256_hex(self.scores.astype("<f8").tobytes())})

    def _pairs(self) -> list[tuple[Fold, FoldFit]]:
        return list(zip(self.folds, self.fits, strict=True))


def score_out_of_fold(frame: TrainingFrame, folds: Sequence[Fold], fit: Fit) -> OutOfFold:
    """Return the scores of every row that a fold tests, by the model fitted on that fold's training rows.

    Raises LeakError for a fold whose training rows know what its test rows are judged by. Other errors: those of `fit`.
    """
    scores = np.full(len(frame), np.nan)
    fits = []
    for fold in folds:
        refuse_leaks(frame, fold.train, fold.test, fold.number)
        model = fit(frame.rows(fold.train))
        scores[fold.test] = model.scores(frame.rows(fold.test).features)
        fits.append(_fold_fit(frame, fold, model_sha256(model), scores[fold.test]))
    return OutOfFold(scores, fold_numbers(frame, folds), tuple(folds), tuple(fits))


def adopt_out_of_fold(frame: TrainingFrame, folds: Sequence[Fold], scores: Floats, procedure: str) -> OutOfFold:
    """Return scores that somebody else's fits gave the rows that each fold tests, with what they are worth.

    For models that need more than a fold's own rows, such as sequences. `procedure` is a hash that names what was
    fitted on each fold's training rows; it stands in the proof for the models' own. Scores of rows that no fold tests
    are left out. Raises LeakError for a fold that leaks and for scores of another number of rows.
    """
    if len(scores) != len(frame):
        raise LeakError(f"{len(scores)} scores cannot be out of fold for {len(frame)} rows")
    for fold in folds:
        refuse_leaks(frame, fold.train, fold.test, fold.number)
    numbers = fold_numbers(frame, folds)
    fits = tuple(_fold_fit(frame, fold, procedure, scores[fold.test]) for fold in folds)
    return OutOfFold(np.where(numbers >= 0, scores, np.nan), numbers, tuple(folds), fits)


def verify_out_of_fold(found: OutOfFold, frame: TrainingFrame) -> None:
    """Raise LeakError unless every score is of a row that its fold did not, and could not, learn the label of.

    Looks at every row: which fold scored it, that the fold trained on the rows that its proof names, and that none of
    their labels shares a moment with those it scored. That the scores are those models' own: `reproduce_out_of_fold`.
    """
    if not len(frame) == len(found.scores) == len(found.fold):
        raise LeakError(f"{len(found.scores)} scores cannot be out of fold for {len(frame)} rows")
    numbers = {fold.number for fold in found.folds}
    if not len(numbers) == len(found.folds) == len(found.fits) > 0:
        raise LeakError(f"{len(found.folds)} folds, {len(numbers)} of them by number, have {len(found.fits)} fits")
    strangers = np.isfinite(found.scores) & ~np.isin(found.fold, [fold.number for fold in found.folds])
    if strangers.any():
        raise LeakError(
            f"{int(strangers.sum()):,} scores are of no fold: nobody can say what their model was fitted on"
        )
    for fold in found.folds:
        if not np.array_equal(np.flatnonzero(found.fold == fold.number), fold.test):
            raise LeakError(f"fold {fold.number} scored other rows than those it is said to test")
        if not len(fold.train) or ((fold.train < 0) | (fold.train >= len(frame))).any():
            raise LeakError(f"fold {fold.number} was fitted on no rows, or on others than the frame's")
        hashes = rows_sha256(frame, fold.train), rows_sha256(frame, fold.test)
        if hashes != (fold.proof.train_sha256, fold.proof.test_sha256):
            raise LeakError(f"fold {fold.number} was fitted or tested on other rows than its proof names")
        refuse_leaks(frame, fold.train, fold.test, fold.number)


def reproduce_out_of_fold(found: OutOfFold, frame: TrainingFrame, fit: Fit) -> None:
    """Raise LeakError unless the procedure, fitted again on each fold's training rows, gives the same scores.

    It is the whole proof, at the cost of the fits: scores of an in-sample model do not come out again.
    """
    verify_out_of_fold(found, frame)
    again = score_out_of_fold(frame, found.folds, fit)
    for fold in found.folds:
        if not np.array_equal(again.scores[fold.test], found.scores[fold.test], equal_nan=True):
            message = f"fold {fold.number}: a model fitted on its training rows gives other scores"
            raise LeakError(message, hint="These are scores of a model that was fitted on other rows")


def model_sha256(model: Scorer) -> str:
    """Return the hash over a model's files: the same model, the same hash."""
    return sig_hash({name: sha256_hex(data) for name, data in model.files().items()})


def fold_table(found: OutOfFold) -> list[dict[str, Any]]:
    """Return what to report of each fold, as JSON values, None for a number that is not one."""
    rows = [asdict(fold.proof) | asdict(fit) for fold, fit in zip(found.folds, found.fits, strict=True)]
    return [{name: _json(value) for name, value in row.items()} for row in rows]


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fold_fit(frame: TrainingFrame, fold: Fold, model: str, scores: Floats) -> FoldFit:
    known = np.isfinite(scores)
    label = frame.label[fold.test]
    return FoldFit(
        fold=fold.number,
        model_sha256=model,
        rank_ic=rank_correlation(scores[known], label[known]),
        mse=float(np.mean((scores[known] - label[known]) ** 2)) if known.any() else math.nan,
        null_mse=float(np.mean((np.mean(frame.label[fold.train]) - label) ** 2)),
    )
