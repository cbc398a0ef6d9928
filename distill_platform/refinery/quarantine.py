"""Quarantine: every dropped row with its reason, so that nothing vanishes."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import pyarrow as pa

from distill_platform.core import canon
from distill_platform.refinery.schemas import QUARANTINE


class Reason(StrEnum):
    """Why an export drops a record; the reasons of ingestion are named where lines are read and mapped."""

    MISSING_PROVENANCE = "missing_provenance"
    MISSING_SOURCE_RUN_ID = "missing_source_run_id"
    EMPTY_CONTENT = "empty_content"
    SCHEMA_VIOLATION = "schema_violation"
    UNSAFE_SFT_CATEGORY = "unsafe_sft_category"
    UNSAFE_RAG_CATEGORY = "unsafe_rag_category"
    CATEGORY_DISALLOWED = "category_disallowed"
    HALLUCINATED_FILE_PATH = "hallucinated_file_path"
    SECRET_FOUND = "secret_found"
    VERDICT_CONFLICT = "verdict_conflict"
    DUPLICATE_ID = "duplicate_id"
    NEAR_DUPLICATE = "near_duplicate"
    SPLIT_LEAKAGE = "split_leakage"
    EVAL_CONTAMINATION = "eval_contamination"
    INVALID_PREFERENCE_PAIRING = "invalid_preference_pairing"
    SELF_PAIRING = "self_pairing"
    NO_COUNTERPART = "no_counterpart"
    PAIR_CAP = "pair_cap"


DEDUPLICATED = frozenset({Reason.DUPLICATE_ID})
SKIPPED = frozenset({Reason.NO_COUNTERPART, Reason.PAIR_CAP})


def dropped_table(
    *,
    stage: str,
    disposition: str | list[str],
    reasons: list[str],
    details: list[str],
    rows: list[bytes],
    evidence_ids: pa.Array | pa.ChunkedArray,
    provenance: pa.Array | pa.ChunkedArray,
) -> pa.Table:
    """Return rows of a quarantine table from their columns."""
    count = len(reasons)
    dispositions = [disposition] * count if isinstance(disposition, str) else disposition
    columns = [[stage] * count, dispositions, reasons, details, rows, evidence_ids, provenance]
    return pa.table(dict(zip(QUARANTINE.names, columns, strict=True)), schema=QUARANTINE)


def quarantine_hashes(table: pa.Table) -> bytes:
    """Return the row hashes of a quarantine table: what was dropped and why, not where it lay."""
    raw = table["provenance"].combine_chunks().field("raw_sha256").to_pylist() if table.num_rows else []
    columns = (table["stage"].to_pylist(), table["reason"].to_pylist(), raw, table["evidence_id"].to_pylist())
    rows = zip(*columns, strict=True)
    return b"".join(hashlib.sha256(canon.dumps(row)).digest() for row in rows)
