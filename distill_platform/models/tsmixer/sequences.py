"""Sequences: for each row the bars that led up to it, found by time stamp and never shifted together over a gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from distill_platform.models.frames import FeatureFrame, Flags, Integers

if TYPE_CHECKING:
    from torch import Tensor

Singles = npt.NDArray[np.float32]

_NOT_THERE = -1


@dataclass(frozen=True, eq=False)
class Sequences:
    """The windows of some rows of a frame; they are views of one matrix, so a batch is all that is ever copied.

    `channels` holds the rows of the frame one symbol after the other, shape (N, C). `first` says where the window of
    each asked row begins in it, -1 where there is none: a bar of the window is missing or not usable.
    """

    channels: Singles = field(repr=False)
    first: Integers = field(repr=False)
    length: int

    @property
    def is_available(self) -> Flags:
        """Return which of the asked rows have a window."""
        is_available: Flags = self.first != _NOT_THERE
        return is_available

    def windows(self, asked: Integers | Tensor) -> Tensor:
        """Return the windows of asked rows, given by position, oldest bar first, shape (B, C, L), in C order.

        Raises IndexError for a row without a window.
        """
        import torch

        first = torch.from_numpy(self.first)[torch.as_tensor(asked, device="cpu")]
        if bool((first == _NOT_THERE).any()):
            raise IndexError("a row without a window was asked for; see is_available")
        return torch.from_numpy(self.channels).unfold(0, self.length, 1)[first].contiguous()


def sequence_windows(
    frame: FeatureFrame, channels: Singles, rows: Integers, length: int, interval_ns: int
) -> Sequences:
    """Return the windows of `rows` (positions in the frame): the `length` bars of the row's symbol that end with it.

    Bars of a window are `interval_ns` apart and all usable; a row for which they are not has no window. `channels` are
    the values to cut them from, one row per row of the frame, shape (N, C), without NaN.
    """
    order = np.lexsort((frame.ts, frame.symbol))
    last = np.empty(len(order), dtype=np.int64)
    last[order] = np.arange(len(order))
    bars = _unbroken(frame.ts[order], frame.symbol[order], frame.is_usable[order], interval_ns)[last[rows]]
    first = np.where(bars >= length, last[rows] - length + 1, _NOT_THERE)
    return Sequences(np.ascontiguousarray(channels[order], dtype=np.float32), first, length)


def _unbroken(ts: Integers, symbol: Integers, is_usable: Flags, interval_ns: int) -> Integers:
    """Return how many usable bars of one symbol, one interval apart, end with each row; 0 for a row not usable."""
    position = np.arange(len(ts), dtype=np.int64)
    follows = np.zeros(len(ts), dtype=np.bool_)
    follows[1:] = (np.diff(ts) == interval_ns) & (np.diff(symbol) == 0) & is_usable[:-1]
    start = np.maximum.accumulate(np.where(follows, 0, position))
    return np.where(is_usable, position - start + 1, 0)
