"""What a run's numbers are, whatever it calls itself: the fingerprint by which one run handed in twice is found."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa

from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.tables import STEPS


def content_sha256(bundle: Bundle) -> str:
    """Return the SHA-256 hex over the bits of a run's steps: `ts_end` and every numeric column, nothing else.

    Ids, costs declared elsewhere and the Parquet encoding do not enter; 0.0 and -0.0 are one number.
    """
    return steps_sha256(bundle.steps)


def steps_sha256(steps: pa.Table) -> str:
    """Return `content_sha256` of a table of steps that has the types of `tables.STEPS`."""
    digest = hashlib.sha256()
    for name in STEPS.columns.names:
        if name in steps.column_names:
            digest.update(f"{name}:{steps.num_rows}\0".encode())
            digest.update(_bits(steps.column(name)))
    return digest.hexdigest()


def _bits(column: pa.ChunkedArray) -> bytes:
    """Return a column's 64-bit values, little-endian, -0.0 as 0.0."""
    if pa.types.is_timestamp(column.type):
        return bytes(column.cast(pa.int64()).to_numpy().astype("<i8").tobytes())
    return bytes((column.to_numpy() + np.float64(0.0)).astype("<f8").tobytes())
