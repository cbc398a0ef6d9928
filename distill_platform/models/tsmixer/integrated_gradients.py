"""Integrated gradients: what each channel of a window adds to its score, with sign.

Sundararajan, Taly and Yan (2017), "Axiomatic Attribution for Deep Networks", equation 1, along the straight way from a
window at rest to the given one. The way is taken in what the network reads, the normalized window and the mean and log
spread that normalization took away: scaling the raw window would leave its normalized shape as it is, until it is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill_platform.models.tsmixer.network import Network, score
from distill_platform.models.tsmixer.reversible import Normalized

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 16


def channel_contributions(network: Network, given: Normalized) -> Tensor:
    """Return the contribution of each channel to each score, shape (B, C), by the midpoint rule in 16 steps.

    They sum to the score less that of a window at rest, all of whose channels are zero with spread one, up to the error
    of the rule, which comes only from the kinks of the network: between them it is linear.
    """
    import torch

    ends = [part.detach() for part in (given.values, given.mean, given.spread.log())]
    slopes = [torch.zeros_like(end) for end in ends]
    for step in range(_STEPS):
        share = (step + 0.5) / _STEPS
        values, mean, log_spread = reached = [(end * share).requires_grad_() for end in ends]
        total = score(network, Normalized(values, mean, log_spread.exp())).sum()
        for slope, gradient in zip(slopes, torch.autograd.grad(total, reached), strict=True):
            slope.add_(gradient, alpha=1.0 / _STEPS)
    return (torch.cat(ends, dim=2) * torch.cat(slopes, dim=2)).sum(dim=2)
