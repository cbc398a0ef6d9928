"""The ensemble policy: whose scores decide, and with what weight; it is stamped on every decision."""

from __future__ import annotations

import re
from dataclasses import dataclass

TABULAR_ONLY = "tabular_only"
NN_ONLY = "nn_only"

_BLEND = re.compile(r"\Ablend_alpha_0\.(\d\d)\Z", re.ASCII)
_WHOLE = 100


@dataclass(frozen=True, slots=True, order=True)
class Policy:
    """`hundredths` of the weight are the tabular model's, the rest the network's; 0 to 100, ValueError otherwise."""

    hundredths: int

    def __post_init__(self) -> None:
        if not 0 <= self.hundredths <= _WHOLE:
            raise ValueError(
                f"the tabular model's weight must lie between 0 and 1, not be {self.hundredths} hundredths"
            )

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Return the policy of a name as `str` gives it; ValueError for any other spelling, `blend_alpha_0.5` too."""
        if text in (TABULAR_ONLY, NN_ONLY):
            return cls(_WHOLE if text == TABULAR_ONLY else 0)
        found = _BLEND.match(text)
        if not found or found[1] == "00":
            known = f"{TABULAR_ONLY}, {NN_ONLY} and blend_alpha_<x> with x like 0.35"
            raise ValueError(f"{text[:40]!r} is no ensemble policy; there are {known}")
        return cls(int(found[1]))

    @property
    def alpha(self) -> float:
        """Return the weight of the tabular model, 0.0 to 1.0."""
        return self.hundredths / _WHOLE

    @property
    def uses_tabular(self) -> bool:
        """Return whether the tabular model's scores count."""
        return self.hundredths > 0

    @property
    def uses_network(self) -> bool:
        """Return whether the network's scores count."""
        return self.hundredths < _WHOLE

    def __str__(self) -> str:
        """Return its name: one spelling for each weight."""
        if not self.uses_network:
            return TABULAR_ONLY
        return f"blend_alpha_0.{self.hundredths:02d}" if self.uses_tabular else NN_ONLY
