"""Worlds for tests: the shipped one, with changes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from distill_platform.policy.world import World

PATH = Path(__file__).parents[2] / "config" / "worlds" / "us_equity_daily.yaml"
_DOCUMENT = yaml.safe_load(PATH.read_text(encoding="utf-8"))


def world(changes: dict[str, Any] | None = None) -> World:
    """The shipped world with values replaced by dotted place; None takes a key away, a list index is a number."""
    document = copy.deepcopy(_DOCUMENT)
    for place, value in copy.deepcopy(changes or {}).items():
        *way, last = [int(key) if key.isdigit() else key for key in place.split(".")]
        spot = document
        for key in way:
            spot = spot[key] if isinstance(key, int) else spot.setdefault(key, {})
        if value is None:
            del spot[last]
        else:
            spot[last] = value
    return World.model_validate(document)
