"""A bundle in memory: its manifest and its tables, read and verified."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from distill_platform.strategies.bundles.manifest import RunManifest


@dataclass(frozen=True)
class Bundle:
    """What one run handed in. Tables have the columns and types of `tables`; None is a table that is not there.

    `sha256` is the hash over the names and hashes of its files: two bundles with the same one are the same bundle.
    """

    manifest: RunManifest
    steps: pa.Table
    trades: pa.Table | None
    daily: pa.Table | None
    orders: pa.Table | None
    folds: pa.Table | None
    sha256: str
