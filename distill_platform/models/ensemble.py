"""The ensemble: one or two models under a policy, whose scores are in units of their own size out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from pydantic import Field, ValidationError

from distill_platform.core.canon import dumps, parse
from distill_platform.core.config import StrictModel
from distill_platform.core.errors import CanonError, ModelError
from distill_platform.models.frames import FeatureFrame, Floats
from distill_platform.models.policy import Policy
from distill_platform.models.scoring import Scorer

ENSEMBLE_FILE = "ensemble.json"
FORMAT = "ensemble/1"

_Scale = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Explained(Scorer, Protocol):
    """A scorer that can say what each feature adds to a score."""

    def contributions(self, frame: FeatureFrame) -> Floats:
        """Return what each of its features adds to each score, shape (N, F)."""
        ...


class _EnsembleFile(StrictModel):
    """The whole of `ensemble.json`. The members are artifacts of their own: its manifest names them."""

    format: str
    policy: str
    tabular_scale: _Scale
    network_scale: _Scale
    scale: _Scale


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members, the policy that weighs them, and the scales of their scores out of fold.

    Raises ModelError for a policy that needs a member that is not there.
    """

    policy: Policy
    tabular: Explained | None
    network: Explained | None
    tabular_scale: float
    network_scale: float
    scale: float

    def __post_init__(self) -> None:
        if (self.policy.uses_tabular and self.tabular is None) or (self.policy.uses_network and self.network is None):
            raise ModelError(f"the policy {self.policy} needs a member that was not given")

    @property
    def kind(self) -> str:
        """Return "ensemble"."""
        return "ensemble"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the features that any member with a weight reads, each once, the tabular model's first."""
        return tuple(dict.fromkeys(name for member, _ in self._weighted() for name in member.feature_names))

    def scores(self, frame: FeatureFrame) -> Floats:
        """Return one score per row in units of their root mean square out of fold, NaN where a member has none."""
        parts = [weight * member.scores(frame) for member, weight in self._weighted()]
        return np.sum(parts, axis=0) if len(parts) > 1 else parts[0]

    def contributions(self, frame: FeatureFrame) -> Floats:
        """Return what each feature adds to each score through all members, shape (N, F), in units of the score."""
        places = {name: place for place, name in enumerate(self.feature_names)}
        total = np.zeros((len(frame), len(places)))
        for member, weight in self._weighted():
            total[:, [places[name] for name in member.feature_names]] += weight * member.contributions(frame)
        return total

    def files(self) -> Mapping[str, bytes]:
        """Return the one file that holds the policy and the scales; the members have files of their own."""
        document = {
            "format": FORMAT,
            "policy": str(self.policy),
            "tabular_scale": self.tabular_scale,
            "network_scale": self.network_scale,
            "scale": self.scale,
        }
        return {ENSEMBLE_FILE: dumps(document)}

    def _weighted(self) -> list[tuple[Explained, float]]:
        """Return the members that count with what their scores are multiplied by."""
        alpha = self.policy.alpha
        parts = ((self.tabular, alpha / self.tabular_scale), (self.network, (1.0 - alpha) / self.network_scale))
        return [(member, weight / self.scale) for member, weight in parts if member is not None and weight > 0.0]


def alone(model: Explained, scale: float) -> Ensemble:
    """Return the ensemble of one tabular model, whose scores out of fold have the root mean square `scale`."""
    return Ensemble(Policy(100), model, None, scale, 1.0, 1.0)


def ensemble_from_files(files: Mapping[str, bytes], tabular: Explained | None, network: Explained | None) -> Ensemble:
    """Return the ensemble that its `files` describe, with its members; ModelError for other content or members."""
    try:
        stored = _EnsembleFile.model_validate(parse(files[ENSEMBLE_FILE]))
        policy = Policy.parse(stored.policy)
    except (KeyError, CanonError, ValueError, ValidationError) as error:
        raise ModelError(f"{ENSEMBLE_FILE} is not there, or not an ensemble: {type(error).__name__}") from None
    if stored.format != FORMAT:
        raise ModelError(f"{ENSEMBLE_FILE} is of format {stored.format[:40]!r}, not {FORMAT}")
    return Ensemble(policy, tabular, network, stored.tabular_scale, stored.network_scale, stored.scale)
