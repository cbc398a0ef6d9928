"""The network: TSMixer as a function of its tensors, in layout (batch, channels, length), float32.

Chen et al. (2023), "TSMixer: An All-MLP Architecture for Time Series Forecasting": each block mixes over time, then
over channels, each time after batch normalization of every (channel, moment) cell and with a residual connection.
Dropout is drawn from the generator that is given, never from torch's global one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from distill_platform.models.tsmixer.architecture import Architecture, Head
from distill_platform.models.tsmixer.reversible import Normalized, normalized, restored

if TYPE_CHECKING:
    from torch import Generator, Tensor

_MOMENTUM = 0.1
_SMALLEST_VARIANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Network:
    """A network's tensors by name: what is learned, and the running statistics of batch normalization."""

    architecture: Architecture
    weights: Mapping[str, Tensor]
    statistics: Mapping[str, Tensor]

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by name, detached: all there is to the network besides its architecture."""
        return {name: tensor.detach() for name, tensor in (*self.weights.items(), *self.statistics.items())}

    def copy(self) -> Network:
        """Return the network as it is now, sharing nothing with this one."""
        return network_of(self.architecture, {name: tensor.clone() for name, tensor in self.tensors().items()})

    def on(self, device: str) -> Network:
        """Return the network on a device, which is this one's tensors if they are there already."""
        return network_of(self.architecture, {name: tensor.to(device) for name, tensor in self.tensors().items()})


@dataclass(frozen=True, slots=True)
class Dropout:
    """The share of values that training leaves out, and where the draws come from."""

    share: float
    generator: Generator


def initial_network(architecture: Architecture, generator: Generator) -> Network:
    """Return a network with random weights: uniform within 1 / sqrt(fan in), scales one, all else zero.

    The head of a score is zero too: what it says first is the mean.
    """
    import torch

    tensors = {name: torch.zeros(shape) for name, shape in architecture.weights().items()}
    silent = {"head.weight"} if architecture.head is Head.SCORE else set()
    for name, tensor in tensors.items():
        if name.endswith("scale"):
            tensor.fill_(1.0)
        elif ".weight" in name and name not in silent:
            bound = 1.0 / math.sqrt(tensor.shape[1])
            tensor.uniform_(-bound, bound, generator=generator)
    for name, shape in architecture.statistics().items():
        tensors[name] = torch.ones(shape) if name.endswith("variance") else torch.zeros(shape)
    return network_of(architecture, tensors)


def network_of(architecture: Architecture, tensors: Mapping[str, Tensor]) -> Network:
    """Return the network that is made of these tensors, of which it takes possession.

    Raises KeyError for a tensor that is not there.
    """
    weights = {name: tensors[name].requires_grad_() for name in architecture.weights()}
    return Network(architecture, weights, {name: tensors[name] for name in architecture.statistics()})


def forecast(network: Network, windows: Tensor, dropout: Dropout | None = None) -> Tensor:
    """Return the next values of every channel, shape (B, C, H), in the units of the windows, shape (B, C, L).

    With `dropout` the network is in training: batch normalization uses the batch and updates its running statistics.
    """
    from torch.nn.functional import linear

    given = normalized(windows)
    mixed = _mixed(network, given.values, dropout)
    return restored(linear(mixed, network.weights["head.weight"], network.weights["head.bias"]), given)


def score(network: Network, given: Normalized, dropout: Dropout | None = None) -> Tensor:
    """Return one number per window, shape (B,), from normalized windows.

    A score is not in the units of any channel, so normalization is undone the other way round: the head reads what was
    taken away, the mean and the logarithm of the spread of every channel.
    """
    import torch
    from torch.nn.functional import linear

    weights = network.weights
    mixed = _mixed(network, given.values, dropout).flatten(1)
    level = torch.cat([given.mean.flatten(1), given.spread.flatten(1).log()], dim=1)
    return (linear(mixed, weights["head.weight"], weights["head.bias"]) + linear(level, weights["head.level"]))[:, 0]


def _mixed(network: Network, values: Tensor, dropout: Dropout | None) -> Tensor:
    for block in range(network.architecture.blocks):
        values = values + _over_time(network, f"block{block}.time", values, dropout)
        values = values + _over_channels(network, f"block{block}.feature", values, dropout)
    return values


def _over_time(network: Network, place: str, values: Tensor, dropout: Dropout | None) -> Tensor:
    from torch.nn.functional import linear

    weights = network.weights
    steady = _batch_normalized(network, place, values, in_training=dropout is not None)
    return _rectified(linear(steady, weights[f"{place}.weight"], weights[f"{place}.bias"]), dropout)


def _over_channels(network: Network, place: str, values: Tensor, dropout: Dropout | None) -> Tensor:
    weights = network.weights
    steady = _batch_normalized(network, place, values, in_training=dropout is not None)
    hidden = _rectified(_map(weights[f"{place}.weight_in"], weights[f"{place}.bias_in"], steady), dropout)
    return _dropped(_map(weights[f"{place}.weight_out"], weights[f"{place}.bias_out"], hidden), dropout)


def _map(weight: Tensor, bias: Tensor, values: Tensor) -> Tensor:
    """Return weight @ values + bias for each window: as a batch of products, where `@` would copy all windows twice."""
    import torch

    many = len(values)
    return torch.baddbmm(bias.expand(many, *bias.shape), weight.expand(many, *weight.shape), values)


def _batch_normalized(network: Network, place: str, values: Tensor, *, in_training: bool) -> Tensor:
    from torch.nn.functional import batch_norm

    flat = batch_norm(
        values.flatten(1),
        network.statistics[f"{place}.running_mean"],
        network.statistics[f"{place}.running_variance"],
        network.weights[f"{place}.scale"],
        network.weights[f"{place}.shift"],
        training=in_training,
        momentum=_MOMENTUM,
        eps=_SMALLEST_VARIANCE,
    )
    return flat.view_as(values)


def _dropped(values: Tensor, dropout: Dropout | None) -> Tensor:
    """Return the values with a share of them at zero, the others enlarged to keep the mean."""
    if dropout is None or dropout.share == 0.0:
        return values
    return values * _kept(values, dropout).to(values.dtype).div_(1.0 - dropout.share)


def _rectified(values: Tensor, dropout: Dropout | None) -> Tensor:
    """Return max(values, 0), dropped: one product in place of two, as memory is what training waits for."""
    if dropout is None or dropout.share == 0.0:
        return values.relu()
    passing = _kept(values, dropout) & (values > 0)
    return values * passing.to(values.dtype).div_(1.0 - dropout.share)


def _kept(values: Tensor, dropout: Dropout) -> Tensor:
    """Return which values stay: 16 random bits decide on each, four from one draw, so a share is met to 1 / 65536."""
    import torch

    draws = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
    bits = draws.random_(-(2**63), None, generator=dropout.generator).view(torch.int16)[: values.numel()]
    return (bits >= round(dropout.share * 65_536) - 32_768).view_as(values)
