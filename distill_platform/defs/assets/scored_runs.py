"""Scored runs: one deterministic verdict per evidence record."""

from distill_platform.defs.assets.rooms import REFINERY
from distill_platform.defs.assets.stage import stage_assets

scored_runs = stage_assets(REFINERY, "scored_runs", group="scoring")
