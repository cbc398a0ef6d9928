"""The student: a TSMixer that scores the last bar of a sequence of features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from distill_platform.models.frames import FeatureFrame, Floats, Integers
from distill_platform.models.tsmixer.architecture import Architecture, Head
from distill_platform.models.tsmixer.integrated_gradients import channel_contributions
from distill_platform.models.tsmixer.network import Network, score
from distill_platform.models.tsmixer.normalization import Normalization
from distill_platform.models.tsmixer.optimization import deterministic
from distill_platform.models.tsmixer.reversible import normalized
from distill_platform.models.tsmixer.sequences import Sequences, sequence_windows
from distill_platform.models.tsmixer.settings import StudentSettings

if TYPE_CHECKING:
    from torch import Tensor

KIND = "tsmixer"
_AT_ONCE = 1_024


@dataclass(frozen=True, eq=False)
class Student:
    """A fitted student. It scores a row whose last `settings.length` bars, `interval_ns` apart, are all usable.

    A missing feature counts as its mean over the training rows.
    """

    feature_names: tuple[str, ...]
    interval_ns: int
    settings: StudentSettings
    normalization: Normalization = field(repr=False)
    network: Network = field(repr=False)

    @property
    def kind(self) -> str:
        """Return "tsmixer"."""
        return KIND

    @property
    def n_tokens(self) -> int:
        """Return how many bars a sequence has."""
        return self.settings.length

    @property
    def n_channels(self) -> int:
        """Return how many features a bar has."""
        return len(self.feature_names)

    def scores(self, frame: FeatureFrame) -> Floats:
        """Return the expected label of each row, shape (N,), NaN for a row without its whole sequence in the frame.

        A row has the same score alone with its sequence and among others, to float32's rounding. Raises KeyError for a
        frame without one of the features.
        """
        import torch

        scores = np.full(len(frame), np.nan)
        with deterministic(), torch.no_grad():
            for rows, windows in self._batches(frame):
                found = score(self.network, normalized(windows)).numpy()
                scores[rows] = self.normalization.restored(found)
        return scores

    def contributions(self, frame: FeatureFrame) -> Floats:
        """Return what each feature adds to each score, shape (N, F), signed, NaN where there is no score.

        A row's contributions sum to its score less the score of a sequence in which every feature is at its mean, up to
        the error of integrating in steps; see `integrated_gradients`. Deterministic.
        """
        added = np.full((len(frame), self.n_channels), np.nan)
        with deterministic():
            for rows, windows in self._batches(frame):
                parts = channel_contributions(self.network, normalized(windows)).numpy()
                added[rows] = parts.astype(np.float64) * self.normalization.label_scale
        return added

    def files(self) -> Mapping[str, bytes]:
        """Return the student's two files, `student.safetensors` and `student.json`."""
        from distill_platform.models.tsmixer.student_files import to_files

        return to_files(self)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Student:
        """Return the student that its files describe; ModelError for any other content.

        Files come from an artifact that was verified before: nothing here can tell whose they are.
        """
        from distill_platform.models.tsmixer.student_files import from_files

        return from_files(files)

    def _batches(self, frame: FeatureFrame) -> Iterator[tuple[Integers, Tensor]]:
        sequences = self._sequences(frame)
        available = np.flatnonzero(sequences.is_available)
        for start in range(0, len(available), _AT_ONCE):
            rows = available[start : start + _AT_ONCE]
            yield rows, sequences.windows(rows)

    def _sequences(self, frame: FeatureFrame) -> Sequences:
        channels = self.normalization.channels(frame.columns(self.feature_names))
        rows = np.arange(len(frame), dtype=np.int64)
        return sequence_windows(frame, channels, rows, self.settings.length, self.interval_ns)


def student_architecture(settings: StudentSettings, channels: int) -> Architecture:
    """Return the architecture of a student over so many channels."""
    return Architecture(settings.length, channels, settings.blocks, settings.hidden, Head.SCORE)
