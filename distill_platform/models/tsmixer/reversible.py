"""Reversible instance normalization: every channel of a window by its own mean and spread, both kept to undo it.

Kim et al. (2022), "Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution Shift",
without the learned affine map, which the first normalization of the network already has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST_VARIANCE = 1e-5


class Normalized(NamedTuple):
    """Windows with mean 0 and spread 1, shape (B, C, L), and what was taken away, both of shape (B, C, 1)."""

    values: Tensor
    mean: Tensor
    spread: Tensor


def normalized(windows: Tensor) -> Normalized:
    """Return windows of shape (B, C, L), each channel of each window normalized by itself.

    The spread is the square root of the population variance plus 1e-5, so a constant channel becomes zeros.
    """
    mean = windows.mean(dim=2, keepdim=True)
    centred = windows - mean
    spread = (centred.square().mean(dim=2, keepdim=True) + _SMALLEST_VARIANCE).sqrt()
    return Normalized(centred / spread, mean, spread)


def restored(forecast: Tensor, given: Normalized) -> Tensor:
    """Return a forecast of normalized windows, shape (B, C, H), in the units of the windows."""
    return forecast * given.spread + given.mean
