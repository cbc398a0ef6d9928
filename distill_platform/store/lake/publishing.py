"""Publishing: a staged partition held against the laws, and made what readers see."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.errors import CorruptDataset
from distill_platform.store.lake.lake import Draft, Lake
from distill_platform.store.lake.laws import Schemas, conservation, declared_schema, determinism
from distill_platform.store.lake.manifest import Check, Counts, Input, Manifest, Part


@dataclass(frozen=True)
class Staged:
    """A partition whose tables are written and whose laws are about to be checked."""

    draft: Draft
    inputs: Mapping[str, Input]
    config_hash: str
    counts: Counts
    checks: Sequence[Check] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def publish(lake: Lake, staged: Staged, schemas: Schemas, code_version: str) -> Manifest:
    """Return the manifest of a partition after holding it against the laws every stage obeys, and publishing it."""
    draft = staged.draft.bound_to(lake)
    about = {"inputs": dict(staged.inputs), "code_version": code_version, "config_hash": staged.config_hash}
    prior = _prior(lake, draft)
    preview = draft.preview(**about, counts=staged.counts, checks=())
    checks = [
        conservation(staged.counts),
        declared_schema(draft, preview, schemas),
        determinism(prior, preview),
        *staged.checks,
    ]
    return draft.publish(**about, counts=staged.counts, checks=checks, extra=dict(staged.extra))  # type: ignore[arg-type]


def _prior(lake: Lake, draft: Draft) -> Manifest | None:
    try:
        return lake.manifest(draft.dataset, draft.partition)
    except CorruptDataset:
        return None  # about to be replaced by a whole one


def joined(*columns: pa.ChunkedArray) -> bytes:
    """Return the rows of string columns as one run of bytes, values and rows apart: what a content hash covers."""
    filled = [pc.fill_null(column, "") for column in columns]
    rows = pc.binary_join_element_wise(*filled, "\n", "\x1f")
    return b"".join(_bytes_of(chunk) for chunk in (rows.chunks if isinstance(rows, pa.ChunkedArray) else [rows]))


def _bytes_of(strings: pa.StringArray) -> bytes:
    offsets = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset : strings.offset + len(strings) + 1]
    data = strings.buffers()[2]
    return bytes(memoryview(data)[offsets[0] : offsets[-1]]) if len(strings) and data is not None else b""


@dataclass(frozen=True)
class Written:
    """A part as a worker wrote it, with the hashes of its rows in order, or for side tables what stands for them."""

    part: Part
    row_hashes: bytes


def add_table(draft: Draft, table: str, written: Sequence[Written]) -> None:
    """Declare a table of a draft from its parts; the content hash covers the rows' hashes, not the files."""
    digest = hashlib.sha256()
    for piece in written:
        digest.update(piece.row_hashes)
        if not piece.part.rows:
            (draft.folder / piece.part.path).unlink()
    draft.add(table, [piece.part for piece in written if piece.part.rows], digest.hexdigest())


def as_input(manifest: Manifest) -> Input:
    """Return how a stage remembers what it read."""
    return Input(manifest.version, manifest.content_hash)
