"""Evidence: the rows of every declared stream as records with full provenance, and what was not taken and why."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from distill_platform.defs.assets.rooms import REFINERY
from distill_platform.defs.assets.stage import stage_assets
from distill_platform.defs.assets.traces import trace_key
from distill_platform.refinery.streams import Stream


def evidence_asset(streams: Sequence[Stream]) -> dg.AssetsDefinition:
    """Return the asset `evidence`, which depends on every declared stream."""
    return stage_assets(
        REFINERY,
        "evidence",
        group="evidence",
        kinds=("python", "jsonl", "parquet"),
        laws=("no_line_lost",),
        sources=[trace_key(stream) for stream in streams],
    )
