"""Feeds: market bars and reports as their sources told them, how the sources did, and the events that reports make."""

from distill_platform.defs.assets.rooms import FEEDS
from distill_platform.defs.assets.stage import stage_assets

collected = stage_assets(FEEDS, "market_bars", "raw_events", group="feeds", advisory=("sources_whole",))
source_health = stage_assets(FEEDS, "source_health", group="health", advisory=("slo_success", "slo_lag"))
events = stage_assets(FEEDS, "events", group="events", laws=("causal",))
