"""Rooms: the pipelines behind the assets."""

from distill_platform.defs.assets.stage import Room
from distill_platform.refinery.pipeline import PIPELINE as REFINING

REFINERY = Room(REFINING, "refinery", "team:refinery")
