"""What training gives back: a student with the record of how it came to be, and students' scores out of fold."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from distill_platform.core.canon import sha256_hex, sig_hash
from distill_platform.models.frames import Floats, Integers
from distill_platform.models.tsmixer.optimization import EpochLoss
from distill_platform.models.tsmixer.student import Student


@dataclass(frozen=True, eq=False)
class StudentFit:
    """A student, and how it came to be.

    `curve` has both losses of every epoch, and the student is that of `best_epoch`, counted from 1. `trained_rows`,
    `stopping_rows` and `taught_rows` (those of the former with a teacher's target) are positions in the frame.
    `teacher_proof` is the hash of the proof that came with the targets, None without a teacher.
    """

    student: Student
    curve: tuple[EpochLoss, ...]
    best_epoch: int
    trained_rows: Integers = field(repr=False)
    stopping_rows: Integers = field(repr=False)
    taught_rows: Integers = field(repr=False)
    teacher_proof: str | None

    @property
    def report(self) -> dict[str, Any]:
        """Return the record as JSON values, the same for the same training; a loss that is not finite is None."""
        return {
            "kind": self.student.kind,
            "model_sha256": student_sha256(self.student),
            "features": list(self.student.feature_names),
            "settings": self.student.settings.model_dump(mode="json"),
            "trained_rows": len(self.trained_rows),
            "stopping_rows": len(self.stopping_rows),
            "taught_rows": len(self.taught_rows),
            "teacher_proof": self.teacher_proof,
            "best_epoch": self.best_epoch,
            "curve": [{"train": _json(epoch.train), "validation": _json(epoch.validation)} for epoch in self.curve],
        }

    @property
    def report_sha256(self) -> str:
        """Return the hash of the report."""
        return sig_hash(self.report)


@dataclass(frozen=True, eq=False)
class StudentOutOfFold:
    """Scores of the N rows of a frame by students that were not trained on them, NaN where there is none.

    `model_sha256` are the hashes of the students, one per fold.
    """

    scores: Floats = field(repr=False)
    model_sha256: tuple[str, ...]

    @property
    def procedure_sha256(self) -> str:
        """Return one hash for all of the students."""
        return sig_hash(list(self.model_sha256))


def student_sha256(student: Student) -> str:
    """Return the hash over a student's files: the same student, the same hash."""
    return sig_hash({name: sha256_hex(data) for name, data in student.files().items()})


def _json(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
