"""Optimization: epochs of mini-batches until the validation loss has stopped falling.

What is validated and kept is the running average of the tensors over the steps, not where the last step happened to
end: Polyak and Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging", with exponential weights. On
noisy labels that is worth more than anything else here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from distill_platform.models.tsmixer.network import Dropout, Network

if TYPE_CHECKING:
    from torch import Tensor


class EpochLoss(NamedTuple):
    """The mean loss over the batches of an epoch, and the loss on the validation rows after it."""

    train: float
    validation: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train and in which steps; training stops once `patience` epochs brought nothing better.

    `averaging` is the weight of the past in the running average of the tensors; it grows to that in the first steps.
    """

    epochs: int
    patience: int
    batch: int
    learning_rate: float
    averaging: float = 0.999


@dataclass(frozen=True, eq=False)
class Optimized:
    """The network as it was after the epoch with the lowest validation loss, and the losses of all epochs run."""

    network: Network
    curve: tuple[EpochLoss, ...]

    @property
    def best_epoch(self) -> int:
        """Return the number of the epoch that the network comes from, counted from 1; 0 for the untrained network."""
        losses = [(epoch.validation, number) for number, epoch in enumerate(self.curve, start=1)]
        return min((loss for loss in losses if math.isfinite(loss[0])), default=(math.inf, 0))[1]


def optimize(
    network: Network,
    rows: int,
    train_loss: Callable[[Tensor, Dropout], Tensor],
    validation_loss: Callable[[Network], float],
    schedule: Schedule,
    dropout: Dropout,
) -> Optimized:
    """Return the network trained with Adam on `rows` rows in batches of random order; `network` is changed in place.

    `train_loss` gives the mean loss of a batch, whose rows it gets as positions. Order and dropout are drawn from one
    generator, so the same generator gives the same network. An epoch whose validation loss is not finite is never the
    best; where none is, the network is the one that was given, and `curve` shows why.
    """
    training = _Training(network, train_loss, schedule, dropout)
    best, lowest, since = network.copy(), math.inf, 0
    curve: list[EpochLoss] = []
    while len(curve) < schedule.epochs and since < schedule.patience:
        curve.append(EpochLoss(training.epoch(rows), validation_loss(training.average)))
        since += 1
        if curve[-1].validation < lowest:
            best, lowest, since = training.average.copy(), curve[-1].validation, 0
    return Optimized(best, tuple(curve))


class _Adam:
    """Kingma and Ba (2015), algorithm 1, by the kernel that torch's own class calls.

    That class imports torch's compiler when it is made, 800 modules and more than a second of every process.
    """

    def __init__(self, weights: list[Tensor], learning_rate: float) -> None:
        import torch

        self._weights, self._learning_rate = weights, learning_rate
        self._first, self._second = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
        self._counts = [torch.zeros((), device=weight.device) for weight in weights]

    def step(self, loss: Tensor) -> None:
        """Move the weights a step down the gradient of the loss."""
        import torch

        # The kernel reads memory in order, whatever strides a slope has; torch's own class is given copies.
        slopes = [slope.contiguous() for slope in torch.autograd.grad(loss, self._weights)]
        torch._foreach_add_(self._counts, 1.0)
        with torch.no_grad():
            torch._fused_adam_(
                self._weights, slopes, self._first, self._second, [], self._counts,
                lr=self._learning_rate, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8,
                amsgrad=False, maximize=False,
            )  # fmt: skip


class _Training:
    """A network on its way: its optimizer, and the running average of its tensors."""

    def __init__(
        self,
        network: Network,
        train_loss: Callable[[Tensor, Dropout], Tensor],
        schedule: Schedule,
        dropout: Dropout,
    ) -> None:
        self.average = network.copy()
        self._adam = _Adam(list(network.weights.values()), schedule.learning_rate)
        self._tensors = list(network.tensors().values())
        self._averages = list(self.average.tensors().values())
        self._train_loss, self._schedule, self._dropout = train_loss, schedule, dropout
        self._steps = 0

    def epoch(self, rows: int) -> float:
        """Take one step per batch and return the mean loss over rows."""
        import torch

        total, seen = torch.zeros(()), 0
        for batch in _batches(rows, self._schedule.batch, self._dropout):
            loss = self._train_loss(batch, self._dropout)
            self._adam.step(loss)
            self._include()
            total, seen = total + loss.detach().cpu() * len(batch), seen + len(batch)
        return float(total) / seen

    def _include(self) -> None:
        import torch

        past = min(self._schedule.averaging, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(self._averages, self._tensors, 1.0 - past)
        self._steps += 1


def _batches(rows: int, size: int, dropout: Dropout) -> Iterator[Tensor]:
    """Yield positions in random order. A last batch of one row is left out: it has no variance to normalize by."""
    import torch

    generator = dropout.generator
    order = torch.randperm(rows, generator=generator, device=generator.device)
    for start in range(0, rows, size):
        batch = order[start : start + size]
        if len(batch) > 1:
            yield batch


@contextmanager
def deterministic() -> Iterator[None]:
    """Compute on one thread and with deterministic algorithms only, for as long as the block lasts.

    How threads share a sum decides on its last bits, so with more of them the weights would be other bytes; networks as
    small as these gain nothing from a second one, and lose much where it has to wait for a core.
    """
    import torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
