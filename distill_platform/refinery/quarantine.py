"""Quarantine: every dropped row with its reason, so that nothing vanishes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.schemas import QUARANTINE
from distill_platform.store.lake.publishing import joined


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


SCORED_COLUMNS = ("run_id", "task_id", "source", "category", "reasons", "inherited")


def dropped_table(count: int, columns: Mapping[str, Any]) -> pa.Table:
    """Return rows of a quarantine table from some of its columns; one word stands for all, none for null."""
    arrays = [_column(columns.get(field.name), field, count) for field in QUARANTINE]
    return pa.table(arrays, schema=QUARANTINE)


def _column(values: Any, field: pa.Field, count: int) -> Any:
    if values is None:
        return pa.nulls(count, field.type)
    return pa.repeat(pa.scalar(values), count) if isinstance(values, str) else values


def quarantine_hashes(table: pa.Table) -> bytes:
    """Return what the content hash covers, row by row: what was dropped and why, not where it lay."""
    raw = pc.struct_field(table["provenance"], "raw_sha256")
    return joined(table["stage"], table["reason"], raw, table["evidence_id"])
