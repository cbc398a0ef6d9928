"""Dropped records: what a corpus did not take, row by row, with the reason and what exactly was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.corpora.part_rows import PartRows
from distill_platform.refinery.judging.candidates import Ints
from distill_platform.refinery.judging.gates import REASONS
from distill_platform.refinery.quarantine import DEDUPLICATED, SCORED_COLUMNS, SKIPPED, Reason, dropped_table
from distill_platform.refinery.streams import Category


@dataclass(frozen=True)
class Losses:
    """One part under judgement: `codes` is 0 where a record is kept; `lost_to` names the record it repeats, by row."""

    corpus: str
    part: PartRows
    codes: Ints
    lost_to: Mapping[int, str]
    category: Ints


_DETAILS = {
    Reason.MISSING_PROVENANCE: "the record does not name its source line",
    Reason.MISSING_SOURCE_RUN_ID: "the record does not name its run",
    Reason.EMPTY_CONTENT: "the prompt or the text is missing or empty",
    Reason.SCHEMA_VIOLATION: "the row does not satisfy the schema of its corpus",
    Reason.VERDICT_CONFLICT: "the same text was both accepted and rejected for this task or prompt",
    Reason.SPLIT_LEAKAGE: "prompt or text of this validation row belongs to a training task too",
    Reason.INVALID_PREFERENCE_PAIRING: "no counterpart of the task answers the same prompt",
    Reason.SELF_PAIRING: "every counterpart comes from the same run",
    Reason.NO_COUNTERPART: "the task has no answer of another category to pair with",
    Reason.PAIR_CAP: "the task has its full number of better pairs",
}


def quarantine_of(losses: Losses) -> pa.Table:
    """Return the dropped records with why; their texts stay in the evidence, so that no secret is copied."""
    dropped = np.flatnonzero(losses.codes)
    scored = losses.part.scored.take(pa.array(dropped))
    codes = pa.array(losses.codes[dropped] - 1)
    columns = {
        "stage": losses.corpus,
        "disposition": _DISPOSITIONS.take(codes),
        "reason": _REASON_NAMES.take(codes),
        "detail": _details(losses, dropped, scored),
        **{name: scored[name] for name in ("evidence_id", *SCORED_COLUMNS, "provenance")},
    }
    return dropped_table(len(dropped), columns)


def disposition(reason: Reason) -> str:
    """Return how a dropped record counts: deduplicated, skipped or quarantined."""
    return "deduplicated" if reason in DEDUPLICATED else "skipped" if reason in SKIPPED else "quarantined"


_REASON_NAMES = pa.array([str(reason) for reason in REASONS])
_DISPOSITIONS = pa.array([disposition(reason) for reason in REASONS])
_CATEGORY_NAMES = pa.array([str(category) for category in Category])
_CONSTANT = pa.array([_DETAILS.get(reason) for reason in REASONS])


def _details(losses: Losses, dropped: Ints, scored: pa.Table) -> pa.Array:
    """Return what exactly was wrong with each dropped record."""
    codes = losses.codes[dropped]
    inherited = pc.if_else(scored["inherited"], ", inherited from the task", "").combine_chunks()
    judged = _CATEGORY_NAMES.take(pa.array(losses.category[dropped]))  # over a range, as inherited from all its days
    verdict = pc.binary_join_element_wise("the verdict is ", judged, inherited, "")
    details = pc.coalesce(_CONSTANT.take(pa.array(codes - 1)), verdict)
    special = np.isin(codes, _SPECIAL)
    if not special.any():
        return details
    return pc.replace_with_mask(details, pa.array(special), pa.array(_findings(losses, dropped[special]), pa.string()))


_SPECIAL = [
    REASONS.index(reason) + 1
    for reason in (
        Reason.SECRET_FOUND,
        Reason.HALLUCINATED_FILE_PATH,
        Reason.EVAL_CONTAMINATION,
        Reason.DUPLICATE_ID,
        Reason.NEAR_DUPLICATE,
    )
]


def _findings(losses: Losses, rows: Ints) -> list[str]:
    """Return the details that name something: patterns (never values), paths, evaluation items, kept records."""
    screened = losses.part.findings.take(pa.array(rows))
    found = zip(*(screened[name].to_pylist() for name in screened.column_names), strict=True)
    reasons = (REASONS[code - 1] for code in losses.codes[rows].tolist())
    return [
        _finding(reason, losses.lost_to.get(row), *named)
        for reason, row, named in zip(reasons, rows.tolist(), found, strict=True)
    ]


def _finding(reason: Reason, winner: str | None, secrets: list[str], paths: list[str], item: str | None) -> str:
    if reason is Reason.SECRET_FOUND:
        return f"patterns: {', '.join(secrets)}"
    if reason is Reason.HALLUCINATED_FILE_PATH:
        return f"cites {', '.join(paths[:5])}"
    if reason is Reason.EVAL_CONTAMINATION:
        return f"shares text with evaluation item {item}"
    return f"repeats evidence {winner}, which ranks before it"
