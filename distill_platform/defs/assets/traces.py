"""Traces: the source streams, which somebody else writes; the graph only names and describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from distill_platform.refinery.streams import Stream

GROUP = "traces"
_KINDS = {".gz": "gzip", ".zst": "zstandard", ".parquet": "parquet"}


def trace_key(stream: Stream) -> dg.AssetKey:
    """Return the asset key of a stream."""
    return dg.AssetKey([GROUP, stream.name])


def trace_assets(streams: Sequence[Stream]) -> list[dg.AssetSpec]:
    """Return one external asset per declared stream. It has no owner: what a room owns, the room can materialize."""
    return [
        dg.AssetSpec(
            trace_key(stream),
            description=stream.config.description,
            group_name=GROUP,
            kinds={stream.config.stream_class.value, _file_kind(stream.config.path)},
            metadata=_metadata(stream),
        )
        for stream in streams
    ]


def _file_kind(path: str) -> str:
    return next((kind for ending, kind in _KINDS.items() if path.endswith(ending)), "jsonl")


def _metadata(stream: Stream) -> dict[str, Any]:
    return {
        "path": stream.config.path,
        "declared_in": dg.MetadataValue.path(str(stream.file)),
        "class": stream.config.stream_class.value,
        "scoring_rules": len(stream.rules),
    }
