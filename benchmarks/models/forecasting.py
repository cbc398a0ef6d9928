"""Forecasting: the published benchmark that shows whether the network is what its paper says.

ETTh1 (Zhou et al. 2021, "Informer"): 7 channels, hourly; 512 hours are seen, 96 are forecast. The standard split is 12,
4 and 4 months of 30 days, scaled by mean and population standard deviation of the first 12. The error is the mean
squared error over all channels, hours and windows of the test months, the last ones included. The paper of TSMixer
reports 0.361. Nothing is chosen on the test months: the ridge's penalty and the epoch come from the validation months.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.table import to_table
from distill_platform.models.tsmixer.architecture import Architecture, Head
from distill_platform.models.tsmixer.network import Dropout, Network, forecast, initial_network
from distill_platform.models.tsmixer.optimization import Schedule, deterministic, optimize

if TYPE_CHECKING:
    from torch import Tensor

Series = npt.NDArray[np.floating]

SEEN, AHEAD = 512, 96
RIDGE_AT_MOST, TSMIXER_AT_MOST, SECONDS_AT_MOST = 0.369, 0.366, 300.0
_MONTH = 30 * 24
_TRAIN, _VALIDATION, _TEST = 12 * _MONTH, 16 * _MONTH, 20 * _MONTH
_PENALTIES = (1e1, 1e2, 1e3, 1e4, 1e5)
_BLOCKS, _HIDDEN, _DROPOUT = 2, 32, 0.9
_SCHEDULE = Schedule(epochs=20, patience=3, batch=32, learning_rate=1e-3)
_AT_ONCE = 512


@dataclass(frozen=True)
class Forecasting:
    """Mean squared errors on the test months, and the CPU seconds of fitting and choosing."""

    ridge: float
    ridge_s: float
    seeds: tuple[int, ...]
    tsmixer: tuple[float, ...]
    tsmixer_s: tuple[float, ...]
    best_epochs: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return the errors as a table, worst seed and spread included, for somebody who has not seen the code."""
        errors, seconds = np.array(self.tsmixer), np.array(self.tsmixer_s)
        named = ", ".join(f"{seed}: {error:.4f}" for seed, error in zip(self.seeds, self.tsmixer, strict=True))
        said = (
            "ETTh1, 512 hours seen and 96 forecast, mean squared error on the test months. By seed: "
            f"{named} (mean {errors.mean():.4f}, standard deviation {errors.std():.4f}). The paper says 0.361."
        )
        most = f"{SECONDS_AT_MOST:.0f}"
        rows = [
            ("ridge", f"{self.ridge:.4f}", str(RIDGE_AT_MOST), f"{self.ridge_s:.1f}", most),
            ("TSMixer", f"{errors.max():.4f}", str(TSMIXER_AT_MOST), f"{seconds.max():.0f}", most),
        ]
        head = ("model", "error, worst seed", "at most", "CPU seconds, slowest", "at most")
        return f"{said}\n\n{to_table(head, rows)}"


@dataclass(frozen=True, eq=False)
class Split:
    """All windows of a part of the series, as views: seen (W, C, 512) and to come (W, C, 96)."""

    seen: Series
    ahead: Series


def measure_forecasting(csv: Path, seeds: Sequence[int]) -> Forecasting:
    """Return the errors of closed-form ridge and of TSMixer, trained once per seed, on the series in `csv`."""
    train, validation, test = splits(csv)
    start = time.process_time()
    weights = fit_ridge(train, validation)
    ridge_s = time.process_time() - start
    runs = [_train(train, validation, seed) for seed in seeds]
    return Forecasting(
        ridge=ridge_error(weights, test),
        ridge_s=ridge_s,
        seeds=tuple(seeds),
        tsmixer=tuple(_network_error(network, test) for network, _, _ in runs),
        tsmixer_s=tuple(seconds for _, seconds, _ in runs),
        best_epochs=tuple(epoch for _, _, epoch in runs),
    )


def splits(csv: Path) -> tuple[Split, Split, Split]:
    """Return the windows of training, validation and test; the latter two see into the months before them."""
    values = np.loadtxt(csv, delimiter=",", skiprows=1, usecols=range(1, 8), max_rows=_TEST)
    scaled = (values - values[:_TRAIN].mean(axis=0)) / values[:_TRAIN].std(axis=0)
    bounds = ((0, _TRAIN), (_TRAIN - SEEN, _VALIDATION), (_VALIDATION - SEEN, _TEST))
    train, validation, test = (_split(scaled[start:end]) for start, end in bounds)
    return train, validation, test


def _split(values: Series) -> Split:
    windows = np.lib.stride_tricks.sliding_window_view(values, SEEN + AHEAD, axis=0)
    return Split(windows[:, :, :SEEN], windows[:, :, SEEN:])


def fit_ridge(train: Split, validation: Split) -> Series:
    """Return weights of shape (96, 512), one map for all channels, of windows that are normalized reversibly.

    The map is linear, so dividing by the spread of a window before it and multiplying after it only changes how much a
    window counts; without, windows count by their squared spread, as they do in the error. The mean is taken away from
    what is seen and given back to what is forecast. The penalty is chosen on the validation months.
    """
    gram, cross = _moments(train)
    fits = [np.linalg.solve(gram + penalty * np.eye(SEEN), cross).T for penalty in _PENALTIES]
    errors = [ridge_error(weights, validation) for weights in fits]
    return fits[int(np.argmin(errors))]


def _moments(split: Split) -> tuple[Series, Series]:
    """Return X'X and X'Y over all windows and channels."""
    gram, cross = np.zeros((SEEN, SEEN)), np.zeros((SEEN, AHEAD))
    for channel in range(split.seen.shape[1]):
        mean = split.seen[:, channel].mean(axis=1, keepdims=True)
        seen = split.seen[:, channel] - mean
        gram += seen.T @ seen
        cross += seen.T @ (split.ahead[:, channel] - mean)
    return gram, cross


def ridge_error(weights: Series, split: Split) -> float:
    """Return the mean squared error of ridge over all windows, hours and channels."""
    mean = split.seen.mean(axis=2, keepdims=True)
    return float(np.mean(((split.seen - mean) @ weights.T + mean - split.ahead) ** 2))


def _train(train: Split, validation: Split, seed: int) -> tuple[Network, float, int]:
    """Return the trained network, the CPU seconds it took, and its epoch."""
    import torch

    seen, ahead = _tensors(train)
    start = time.process_time()
    with deterministic():
        dropout = Dropout(_DROPOUT, torch.Generator().manual_seed(seed))
        sizes = Architecture(SEEN, seen.shape[1], _BLOCKS, _HIDDEN, Head.FORECAST, AHEAD)
        network = initial_network(sizes, dropout.generator)

        def loss(rows: Tensor, dropout: Dropout) -> Tensor:
            return (forecast(network, seen[rows], dropout) - ahead[rows]).square().mean()

        trained = optimize(
            network, len(seen), loss, lambda found: _network_error(found, validation), _SCHEDULE, dropout
        )
    return trained.network, time.process_time() - start, trained.best_epoch


def _network_error(network: Network, split: Split) -> float:
    import torch

    seen, ahead = _tensors(split)
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(seen), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            total += float((forecast(network, seen[part]) - ahead[part]).square().double().sum())
    return total / ahead.numel()


def _tensors(split: Split) -> tuple[Tensor, Tensor]:
    import torch

    seen, ahead = (np.ascontiguousarray(part, dtype=np.float32) for part in (split.seen, split.ahead))
    return torch.from_numpy(seen), torch.from_numpy(ahead)
