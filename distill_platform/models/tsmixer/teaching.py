"""Teaching: what the tabular teacher says about rows that it was not trained on, and the proof that it was not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from distill_platform.core.errors import LeakError
from distill_platform.models.frames import Flags, Floats, Integers, TrainingFrame


@dataclass(frozen=True, eq=False)
class TeacherTargets:
    """Scores of a teacher for the N rows of a frame, in units of the label, NaN where it has none.

    `fold` says which of the teacher's fits gave the score of a row, -1 where none did, and `trained_on` which rows of
    the frame each of the fits was trained on, by position. `proof_hash` is the hash of the teacher's own proof.
    """

    scores: Floats = field(repr=False)
    fold: Integers = field(repr=False)
    trained_on: tuple[Integers, ...] = field(repr=False)
    proof_hash: str

    @property
    def is_there(self) -> Flags:
        """Return which rows have a target."""
        return np.isfinite(self.scores)

    def refuse_in_sample(self, frame: TrainingFrame) -> None:
        """Raise LeakError for a target that is not out of fold.

        That is one without a fold, or one whose row has a label that shares a moment with a label that its teacher was
        trained on. A teacher that knows the labels of its targets teaches nothing but these labels.
        """
        self._refuse_misfit(frame)
        for number, trained_on in enumerate(self.trained_on):
            rows = np.flatnonzero(self.is_there & (self.fold == number))
            in_sample = _touches(frame, rows, trained_on)
            if in_sample.any():
                message = f"{in_sample.sum():,} teacher targets of fold {number} are not out of fold"
                hint = "Give the teacher's out-of-fold scores, purged by the time of the labels"
                raise LeakError(f"{message}, row {rows[in_sample][0]} the first", hint=hint)

    def unaware_of(self, frame: TrainingFrame, rows: Integers) -> TeacherTargets:
        """Return the targets whose teacher was trained on no label that shares a moment with a label of `rows`.

        Who learns from the others learns, at second hand, from the labels of these rows. Of purged K-fold none is left.
        """
        aware = [bool(_touches(frame, trained_on, rows).any()) for trained_on in self.trained_on]
        kept = np.append(~np.array(aware, dtype=np.bool_), False)[self.fold]
        return replace(self, scores=np.where(kept, self.scores, np.nan))

    def _refuse_misfit(self, frame: TrainingFrame) -> None:
        if not len(self.scores) == len(self.fold) == len(frame):
            message = f"{len(self.scores)} teacher scores and {len(self.fold)} folds do not fit {len(frame)} rows"
            raise LeakError(message, hint="Give the targets of the very frame that is trained on")
        without = self.is_there & ((self.fold < 0) | (self.fold >= len(self.trained_on)))
        if without.any():
            raise LeakError(f"{without.sum():,} teacher targets do not say which rows their teacher was trained on")
        for number, trained_on in enumerate(self.trained_on):
            is_of_frame = (trained_on >= 0) & (trained_on < len(frame))
            if not len(trained_on) or not is_of_frame.all():
                raise LeakError(f"the teacher of fold {number} was trained on no rows, or on others than the frame's")
        if not self.proof_hash:
            raise LeakError("teacher targets come without the hash of their proof")


def _touches(frame: TrainingFrame, rows: Integers, others: Integers) -> Flags:
    """Return for which of `rows` the span [ts, label_end] shares a moment with that of any of `others`.

    The other spans that began by a row's end, less those that were over before its start, share a moment with it.
    """
    begun = np.searchsorted(np.sort(frame.features.ts[others]), frame.label_end[rows], side="right")
    over = np.searchsorted(np.sort(frame.label_end[others]), frame.features.ts[rows], side="left")
    touches: Flags = begun > over
    return touches
