"""Limits: how much of a bundle is read into memory before it is refused as too large."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds, inclusive: `file_bytes` of a Parquet file as it lies on disk, `table_bytes` of what it unpacks to."""

    complete_bytes: int = 1_000_000
    manifest_bytes: int = 4_000_000
    file_bytes: int = 2 * 2**30
    table_bytes: int = 2 * 2**30
    rows: int = 20_000_000
    columns: int = 64
    text_bytes: int = 1_024


LIMITS = Limits()
