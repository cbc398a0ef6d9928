"""The canary: which units the challenger decides on, by a hash that every process and every machine agrees on.

A unit is one symbol at one moment. Its place in [0, 1) depends on the salt and its name alone, so whoever is in at 10 %
stays in at 25 %. The salt is written down when the canary begins and holds until the rollout ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np

from distill_platform.core.errors import SaltChanged
from distill_platform.models.frames import Flags, Floats
from distill_platform.models.model_event import ModelEventKind
from distill_platform.models.registry import RegistryView
from distill_platform.models.rollout.settings import RolloutSettings

SALT = "salt"
"""Where a canary's evidence names its salt."""

_BITS = 53  # as many as a float holds


def unit_of(symbol: str, ts: int) -> str:
    """Return the name of the unit that a symbol is at a moment, nanoseconds since 1970 UTC."""
    return f"{symbol}@{ts}"


def place_of(unit: str, salt: str) -> float:
    """Return where a unit stands in [0, 1): the first 53 bits of SHA-256 over the salt's length, the salt, the unit."""
    named = salt.encode()
    digest = sha256(len(named).to_bytes(8, "big") + named + unit.encode()).digest()
    return float((int.from_bytes(digest[:8], "big") >> (64 - _BITS)) * 2.0**-_BITS)


def assigned(units: Iterable[str], salt: str, share: float) -> Flags:
    """Return for each unit whether a challenger that serves `share` of them decides on it, shape (N,); 0 is nobody."""
    places: Floats = np.fromiter((place_of(unit, salt) for unit in units), dtype=np.float64)
    return places < share


def salt_of(view: RegistryView, artifact_sha256: str) -> str | None:
    """Return the salt that a model's canary began with, None before it began."""
    for each in view.history_of(artifact_sha256):
        if each.event.kind is ModelEventKind.CANARY:
            return str(each.event.evidence.get(SALT, ""))
    return None


def serving_salt(view: RegistryView, artifact_sha256: str, settings: RolloutSettings) -> str:
    """Return the salt to assign units by; SaltChanged when it is not the one that the canary began with."""
    begun = salt_of(view, artifact_sha256)
    if begun is not None and begun != settings.salt:
        message = f"the rollout in {view.line} began with salt {begun}, and the line says {settings.salt} now"
        raise SaltChanged(message, hint="Put the salt back; another one is for the next rollout")
    return settings.salt
