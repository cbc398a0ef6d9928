"""Scored runs: one deterministic verdict per evidence record."""

from distill_platform.defs.assets.stage import stage_asset

scored_runs = stage_asset("scored_runs", group="scoring")
