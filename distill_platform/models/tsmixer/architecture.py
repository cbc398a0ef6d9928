"""Architecture: what a TSMixer network is made of, and the name and shape of each of its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Shape = tuple[int, ...]


class Head(StrEnum):
    """What a network says about a sequence."""

    FORECAST = "forecast"
    """The next values of every channel."""

    SCORE = "score"
    """One number."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a network over sequences of `length` moments and `channels` channels.

    `hidden` is the width of feature mixing, `outputs` how many moments a forecast covers; a score has one output.
    """

    length: int
    channels: int
    blocks: int
    hidden: int
    head: Head
    outputs: int = 1

    def weights(self) -> dict[str, Shape]:
        """Return the shape of each tensor that is learned, by name, in a fixed order."""
        shapes: dict[str, Shape] = {}
        for block in range(self.blocks):
            shapes |= {f"block{block}.{name}": shape for name, shape in self._block().items()}
        return shapes | self._head()

    def statistics(self) -> dict[str, Shape]:
        """Return the shape of each running mean and variance, by name, in a fixed order."""
        return {
            f"block{block}.{mixing}.{moment}": (self._cells,)
            for block in range(self.blocks)
            for mixing in ("time", "feature")
            for moment in ("running_mean", "running_variance")
        }

    @property
    def _cells(self) -> int:
        return self.channels * self.length

    def _block(self) -> dict[str, Shape]:
        return {
            "time.scale": (self._cells,),
            "time.shift": (self._cells,),
            "time.weight": (self.length, self.length),
            "time.bias": (self.length,),
            "feature.scale": (self._cells,),
            "feature.shift": (self._cells,),
            "feature.weight_in": (self.hidden, self.channels),
            "feature.bias_in": (self.hidden, 1),
            "feature.weight_out": (self.channels, self.hidden),
            "feature.bias_out": (self.channels, 1),
        }

    def _head(self) -> dict[str, Shape]:
        if self.head is Head.FORECAST:
            return {"head.weight": (self.outputs, self.length), "head.bias": (self.outputs,)}
        return {"head.weight": (1, self._cells), "head.level": (1, 2 * self.channels), "head.bias": (1,)}
