"""The student beside what a user would write: the same network as torch modules, fed by torch's DataLoader."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.models.laps import best_cpu_s
from benchmarks.table import times, to_table
from distill_platform.models.frames import FeatureFrame, FrameVersions, TrainingFrame
from distill_platform.models.tsmixer.settings import Device, StudentSettings
from distill_platform.models.tsmixer.student import Student
from distill_platform.models.tsmixer.training import fit_student

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

_HOUR = 3_600 * 10**9
_SYMBOLS, _CHANNELS = 5, 20
_EPOCHS = 2
_SETTINGS = StudentSettings(epochs=_EPOCHS, patience=_EPOCHS, device=Device.CPU)
_SINGLE_CALLS = 50


@dataclass(frozen=True)
class StudentRates:
    """By CPU time on one thread, the best of several laps: sequences a second, and milliseconds for one alone.

    Ours begin with a frame of features and include finding windows by time stamp, normalization, validation and early
    stopping; the peer begins with standardized windows and trains and scores, no more.
    """

    rows: int
    trained_per_s: float
    peer_trained_per_s: float
    scored_per_s: float
    peer_scored_per_s: float
    explained_per_s: float
    alone_ms: float
    peer_alone_ms: float
    alone_error: float

    def to_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return the rates beside the peer's, for somebody who has not seen the code."""
        said = (
            f"TSMixer on {self.rows:,} rows of {_SYMBOLS} symbols, {_CHANNELS} channels, sequences of "
            f"{_SETTINGS.length} bars, {_SETTINGS.blocks} blocks, {_EPOCHS} epochs, one thread. The peer is the same "
            "network out of torch's modules and its `DataLoader`, given finished windows; ours starts from a frame and "
            "finds windows by time stamp, normalizes, validates and stops early. A row scored alone differs from "
            f"itself among all by {self.alone_error:.0e}. Contributions of every channel: {self.explained_per_s:,.0f} "
            "rows a second."
        )
        rows = [
            _rate("sequences trained on a second", self.trained_per_s, self.peer_trained_per_s),
            _rate("sequences scored a second", self.scored_per_s, self.peer_scored_per_s),
            ("milliseconds for one alone", f"{self.alone_ms:.2f}", f"{self.peer_alone_ms:.2f}",
             times(self.peer_alone_ms / self.alone_ms)),
        ]  # fmt: skip
        return f"{said}\n\n{to_table(('', 'ours', 'torch', 'ratio'), rows)}"


def _rate(name: str, ours: float, theirs: float) -> tuple[str, ...]:
    return name, f"{ours:,.0f}", f"{theirs:,.0f}", times(ours / theirs)


def measure_student(rows: int, laps: int) -> StudentRates:
    """Return the rates over `rows` rows of 5 symbols and 20 channels, sequences of 48 bars, for two epochs."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measured(_frame(rows), laps)
    finally:
        torch.set_num_threads(before)


def _measured(frame: TrainingFrame, laps: int) -> StudentRates:
    import torch

    fit = fit_student(frame, frame.features.names, _SETTINGS, _HOUR)
    student, windows = fit.student, _windows(frame)
    label = torch.from_numpy(frame.label.astype(np.float32))
    asked = torch.from_numpy(fit.trained_rows)
    peer = _peer()
    alone = frame.features.rows(np.flatnonzero(frame.features.symbol == 0)[-_SETTINGS.length :])
    best = best_cpu_s(
        {
            "train": lambda: fit_student(frame, frame.features.names, _SETTINGS, _HOUR),
            "peer trains": lambda: _train_peer(peer, windows, label, asked),
            "score": lambda: student.scores(frame.features),
            "peer scores": lambda: _score_peer(peer, windows),
            "explain": lambda: student.contributions(_latest(frame)),
            "alone": lambda: [student.scores(alone) for _ in range(_SINGLE_CALLS)],
            "peer alone": lambda: [_score_peer(peer, windows[-1:]) for _ in range(_SINGLE_CALLS)],
        },
        laps,
    )
    trained, scored = len(asked) * _EPOCHS, len(windows)
    return StudentRates(
        rows=len(frame),
        trained_per_s=trained / best["train"],
        peer_trained_per_s=trained / best["peer trains"],
        scored_per_s=scored / best["score"],
        peer_scored_per_s=scored / best["peer scores"],
        explained_per_s=len(_latest(frame)) / best["explain"],
        alone_ms=best["alone"] / _SINGLE_CALLS * 1e3,
        peer_alone_ms=best["peer alone"] / _SINGLE_CALLS * 1e3,
        alone_error=_alone_error(student, frame.features, alone),
    )


def _latest(frame: TrainingFrame) -> FeatureFrame:
    """Return the last thousand rows or so: enough to explain at once."""
    return frame.features.rows(np.arange(max(len(frame) - 1_000 - _SYMBOLS * _SETTINGS.length, 0), len(frame)))


def _alone_error(student: Student, frame: FeatureFrame, alone: FeatureFrame) -> float:
    """Return how far the score of the last bar, alone with its sequence, is from that in the whole frame."""
    together = student.scores(frame)[np.flatnonzero(frame.symbol == 0)[-1]]
    return float(abs(student.scores(alone)[-1] - together))


def _frame(rows: int) -> TrainingFrame:
    random = np.random.default_rng(7)
    bars = rows // _SYMBOLS
    ts = np.repeat(np.arange(bars) * _HOUR, _SYMBOLS)
    features = FeatureFrame(
        ts=ts,
        symbol=np.tile(np.arange(_SYMBOLS), bars),
        symbols=tuple(f"S{number}" for number in range(_SYMBOLS)),
        names=tuple(f"f{number}" for number in range(_CHANNELS)),
        values=random.normal(0.0, 1.0, (len(ts), _CHANNELS)),
        is_usable=np.ones(len(ts), dtype=np.bool_),
        versions=FrameVersions("schema", "features/1", "data", "lineage"),
    )
    return TrainingFrame(features, random.normal(0.0, 1.0, len(ts)), ts + _HOUR, _HOUR)


def _windows(frame: TrainingFrame) -> Tensor:
    """Return one window per row, shape (N, C, L); those that begin before the first bar are filled up with zeros."""
    import torch

    values: npt.NDArray[np.float32] = frame.features.values.astype(np.float32)
    panel = values.reshape(-1, _SYMBOLS, _CHANNELS).transpose(1, 2, 0)
    padded = np.pad(panel, ((0, 0), (0, 0), (_SETTINGS.length - 1, 0)))
    views = torch.from_numpy(padded).unfold(2, _SETTINGS.length, 1)
    return views.permute(2, 0, 1, 3).reshape(-1, _CHANNELS, _SETTINGS.length)


def _peer() -> Module:
    """Return the student's network out of torch's modules, as one writes it."""
    from torch import nn

    length, hidden, dropout = _SETTINGS.length, _SETTINGS.hidden, _SETTINGS.dropout

    class Transposed(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, values: Tensor) -> Tensor:
            mixed: Tensor = self.inner(values.transpose(1, 2)).transpose(1, 2)
            return mixed

    class Cells(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(_CHANNELS * length)

        def forward(self, values: Tensor) -> Tensor:
            steady: Tensor = self.norm(values.flatten(1)).view_as(values)
            return steady

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Sequential(Cells(), nn.Linear(length, length), nn.ReLU(), nn.Dropout(dropout))
            wide = nn.Sequential(
                nn.Linear(_CHANNELS, hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, _CHANNELS),
                nn.Dropout(dropout),
            )
            self.feature = nn.Sequential(Cells(), Transposed(wide))

        def forward(self, values: Tensor) -> Tensor:
            values = values + self.time(values)
            mixed: Tensor = values + self.feature(values)
            return mixed

    blocks = [Block() for _ in range(_SETTINGS.blocks)]
    return nn.Sequential(nn.InstanceNorm1d(_CHANNELS), *blocks, nn.Flatten(), nn.Linear(_CHANNELS * length, 1))


def _train_peer(peer: Module, windows: Tensor, label: Tensor, rows: Tensor) -> None:
    import torch
    from torch.utils.data import DataLoader, Subset, TensorDataset

    data = Subset(TensorDataset(windows, label), rows.tolist())
    step = torch.optim.Adam(peer.parameters(), lr=_SETTINGS.learning_rate)
    peer.train()
    for _ in range(_EPOCHS):
        for window, truth in DataLoader(data, batch_size=_SETTINGS.batch, shuffle=True, drop_last=True):
            step.zero_grad()
            torch.autograd.backward((peer(window)[:, 0] - truth).square().mean())
            step.step()


def _score_peer(peer: Module, windows: Tensor) -> Tensor:
    import torch

    peer.eval()
    with torch.no_grad():
        return torch.cat([peer(windows[start : start + 1_024])[:, 0] for start in range(0, len(windows), 1_024)])
