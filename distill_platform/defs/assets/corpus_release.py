"""Corpus release: all corpora of a day, or of a whole range of days, as one versioned folder that loads as it is."""

from distill_platform.defs.assets.rooms import REFINERY
from distill_platform.defs.assets.stage import stage_assets

corpus_release = stage_assets(
    REFINERY,
    "corpus_release",
    group="releases",
    kinds=("python", "parquet", "jsonl"),
    laws=("firewall", "unique_ids", "one_split_per_task"),
)
