"""Screened texts: what the text gates need to know of every record, worked out once for all corpora."""

from distill_platform.defs.assets.rooms import REFINERY
from distill_platform.defs.assets.stage import stage_assets

screened_texts = stage_assets(REFINERY, "screened_texts", group="screening", kinds=("python", "numba", "parquet"))
