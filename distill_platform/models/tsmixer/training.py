"""Training the student: close to what came after, and to what a teacher says that did not know it.

The loss is MSE(student, truth) + lambda MSE(student, teacher), both in standardized labels. A row whose teacher has
nothing out of fold to say counts with the first term only. When to stop is decided on the last part of the training
window; no row before it is trained on whose label touches that part.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from distill_platform.core.errors import ModelError
from distill_platform.models.frames import Flags, Integers, TrainingFrame
from distill_platform.models.tsmixer.network import Dropout, Network, initial_network, score
from distill_platform.models.tsmixer.normalization import Normalization, fit_normalization
from distill_platform.models.tsmixer.optimization import EpochLoss, Schedule, deterministic, optimize
from distill_platform.models.tsmixer.reversible import normalized
from distill_platform.models.tsmixer.sequences import Sequences, Singles, sequence_windows
from distill_platform.models.tsmixer.settings import Device, StudentSettings
from distill_platform.models.tsmixer.student import Student, student_architecture
from distill_platform.models.tsmixer.student_fit import StudentFit, StudentOutOfFold, student_sha256
from distill_platform.models.tsmixer.teaching import TeacherTargets

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 4_096
_FEWEST_ROWS = 2


@dataclass(frozen=True, eq=False)
class _Lessons:
    """Windows with what to say about them: rows by position here, not in the frame. `taught` is 1.0, or 0.0 for no."""

    sequences: Sequences
    truth: Tensor
    teacher: Tensor
    taught: Tensor
    distill_lambda: float
    device: str

    def loss(self, network: Network, rows: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Return the mean loss of some rows."""
        windows = self.sequences.windows(rows).to(self.device)
        said = score(network, normalized(windows), dropout)
        to_teacher = (self.taught[rows] * (said - self.teacher[rows]).square()).mean()
        loss: Tensor = (said - self.truth[rows]).square().mean() + self.distill_lambda * to_teacher
        return loss

    def loss_of_all(self, network: Network) -> float:
        """Return the mean loss of all rows, without dropout."""
        import torch

        total = 0.0
        with torch.no_grad():
            for start in range(0, len(self.truth), _AT_ONCE):
                rows = torch.arange(start, min(start + _AT_ONCE, len(self.truth)))
                total += float(self.loss(network, rows)) * len(rows)
        return total / len(self.truth)


def fit_student(
    frame: TrainingFrame,
    names: tuple[str, ...],
    settings: StudentSettings,
    interval_ns: int,
    targets: TeacherTargets | None = None,
    rows: Integers | None = None,
) -> StudentFit:
    """Return the student of the trainable rows of a frame over some of its features, or of those among `rows`.

    Sequences reach back to any rows of the frame; only labels are confined to the rows that are trained on. Channels
    and labels are standardized by the trained rows alone, those that decide when to stop not among them. The same
    frame and settings give the same bytes, however many threads there are.

    Raises LeakError for teacher targets that are not out of fold, ModelError where there are too few rows with a whole
    sequence to train or to stop by, labels that do not vary or a loss that is never finite, and KeyError for a feature
    that the frame does not have.
    """
    if targets is not None:
        targets.refuse_in_sample(frame)
    trained, stopping = _parted(frame, _learnable(frame, settings, interval_ns, rows), settings.stopping_share)
    values = frame.features.columns(names)
    normalization = fit_normalization(values[trained], frame.label[trained])
    channels = normalization.channels(values)
    with deterministic():
        lessons, exam = (
            _lessons(frame, channels, part, normalization, settings, interval_ns, targets)
            for part in (trained, stopping)
        )
        network, curve, best_epoch = _trained(lessons, exam, settings, len(names))
    student = Student(names, interval_ns, settings, normalization, network)
    taught = trained[lessons.taught.cpu().numpy() > 0.0]
    proof = None if targets is None else targets.proof_hash
    return StudentFit(student, curve, best_epoch, trained, stopping, taught, proof)


def student_out_of_fold(
    frame: TrainingFrame,
    names: tuple[str, ...],
    settings: StudentSettings,
    interval_ns: int,
    folds: Sequence[tuple[Integers, Integers]],
    targets: TeacherTargets | None = None,
) -> StudentOutOfFold:
    """Return the score of each row that a fold tests, by a student that was trained on the rows that the fold names.

    A fold is the rows to train on and the rows to test on. A target of a teacher that knew a label of the test rows is
    left out, as its student would know it too: after purged K-fold, students learn from the truth alone. Raises as
    `fit_student` does.
    """
    if targets is not None:
        targets.refuse_in_sample(frame)
    scores, hashes = np.full(len(frame), np.nan), []
    for train, test in folds:
        unaware = targets.unaware_of(frame, test) if targets is not None else None
        student = fit_student(frame, names, settings, interval_ns, unaware, train).student
        scores[test] = student.scores(frame.features)[test]
        hashes.append(student_sha256(student))
    return StudentOutOfFold(scores, tuple(hashes))


def _learnable(frame: TrainingFrame, settings: StudentSettings, interval_ns: int, rows: Integers | None) -> Integers:
    """Return the positions of the trainable rows that have a whole sequence, those among `rows` where it is given."""
    asked = np.arange(len(frame), dtype=np.int64) if rows is None else np.sort(rows)
    trainable = asked[frame.is_trainable[asked]]
    nothing = np.zeros((len(frame), 0), dtype=np.float32)
    sequences = sequence_windows(frame.features, nothing, trainable, settings.length, interval_ns)
    return trainable[sequences.is_available]


def _parted(frame: TrainingFrame, rows: Integers, stopping_share: float) -> tuple[Integers, Integers]:
    """Return the rows to train on and the rows to stop by: the last moments, and what no label of theirs touches."""
    moments = np.unique(frame.features.ts[rows])
    last = moments[len(moments) - int(np.ceil(stopping_share * len(moments))) :]
    is_last: Flags = np.isin(frame.features.ts[rows], last)
    is_before = frame.label_end[rows] < (last[0] if len(last) else 0)
    trained, stopping = rows[is_before], rows[is_last]
    if min(len(trained), len(stopping)) < _FEWEST_ROWS:
        message = f"a student cannot be trained on {len(trained)} rows and stopped by {len(stopping)}"
        raise ModelError(message, hint="Widen the search window, or shorten the sequence")
    return trained, stopping


def _lessons(
    frame: TrainingFrame,
    channels: Singles,
    rows: Integers,
    normalization: Normalization,
    settings: StudentSettings,
    interval_ns: int,
    targets: TeacherTargets | None,
) -> _Lessons:
    import torch

    device = _device(settings.device)
    nobody = np.full(len(rows), np.nan)
    teacher = normalization.label(nobody if targets is None else targets.scores[rows])
    taught = np.isfinite(teacher)
    numbers = (normalization.label(frame.label[rows]), np.where(taught, teacher, 0.0), taught)
    truth, teacher_tensor, taught_tensor = (
        torch.from_numpy(number.astype(np.float32)).to(device) for number in numbers
    )
    sequences = sequence_windows(frame.features, channels, rows, settings.length, interval_ns)
    return _Lessons(sequences, truth, teacher_tensor, taught_tensor, settings.distill_lambda, device)


def _trained(
    lessons: _Lessons, exam: _Lessons, settings: StudentSettings, channels: int
) -> tuple[Network, tuple[EpochLoss, ...], int]:
    import torch

    dropout = Dropout(settings.dropout, torch.Generator(lessons.device).manual_seed(settings.seed))
    beginning = torch.Generator().manual_seed(settings.seed)
    network = initial_network(student_architecture(settings, channels), beginning).on(lessons.device)
    schedule = Schedule(settings.epochs, settings.patience, settings.batch, settings.learning_rate)
    done = optimize(
        network,
        len(lessons.truth),
        lambda rows, dropout: lessons.loss(network, rows, dropout),
        exam.loss_of_all,
        schedule,
        dropout,
    )
    if done.best_epoch == 0:
        message = f"the student's loss was not finite in any of {len(done.curve)} epochs"
        raise ModelError(message, hint="Lower student.learning_rate")
    return done.network.on("cpu"), done.curve, done.best_epoch


def _device(asked: Device) -> str:
    """Return the device to train on; ModelError for a GPU that was asked for and is not there."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without, deterministic products are an error there
    is_there = torch.cuda.is_available()
    if asked is Device.CUDA and not is_there:
        raise ModelError("student.device is cuda, and there is no GPU", hint="Say auto or cpu")
    return "cuda" if is_there and asked is not Device.CPU else "cpu"
