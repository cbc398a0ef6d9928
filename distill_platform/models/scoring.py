"""Scoring: what every model can do, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from distill_platform.models.frames import FeatureFrame, Floats


class Scorer(Protocol):
    """A fitted model. Its files hold all there is to it; a file format is never one that runs code when it is read."""

    @property
    def kind(self) -> str:
        """Return the name of its family, the same in its manifest: "ridge", "lightgbm", "tsmixer"."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the features that it reads, in its own order."""
        ...

    def scores(self, frame: FeatureFrame) -> Floats:
        """Return one score per row, shape (N,), higher for higher labels; NaN where it cannot say.

        Raises KeyError for a frame without one of its features.
        """
        ...

    def files(self) -> Mapping[str, bytes]:
        """Return the files that it can be read back from, by name: the same model, the same bytes."""
        ...
