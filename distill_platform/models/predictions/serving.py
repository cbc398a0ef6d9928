"""Serving: which model decides on which unit, by where the line stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from distill_platform.models.frames import FeatureFrame, Flags
from distill_platform.models.registry import ModelState, RegistryView
from distill_platform.models.rollout.canary import assigned, salt_of, unit_of


def serving(view: RegistryView, frame: FeatureFrame) -> Mapping[str, Flags]:
    """Return on which rows each model decides, shape (N,) by artifact hash: champion and challenger, one for each row.

    The challenger decides on its share of the units, by the salt that its canary began with; in shadow on none. Where
    there is no champion nobody decides on the rest.
    """
    challenger, champion = view.challenger, view.champion
    taken = np.zeros(len(frame), dtype=np.bool_)
    found: dict[str, Flags] = {}
    if challenger is not None:
        salt = salt_of(view, challenger.artifact.artifact_sha256)
        if challenger.state is not ModelState.SHADOW and salt:
            taken = assigned(_units(frame), salt, challenger.share)
        found[challenger.artifact.artifact_sha256] = taken
    if champion is not None:
        found[champion.artifact.artifact_sha256] = ~taken
    return found


def _units(frame: FeatureFrame) -> list[str]:
    return [
        unit_of(frame.symbols[symbol], ts) for symbol, ts in zip(frame.symbol.tolist(), frame.ts.tolist(), strict=True)
    ]
