"""Laws that every published dataset is held against, whichever room makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.store.lake.lake import Draft
from distill_platform.store.lake.manifest import Check, Counts, Manifest

Schemas = Mapping[str, pa.Schema]
"""The tables of one dataset and their columns."""


def check(name: str, description: str, observed: float, *, allowed: float = 0, sample: Iterable[str] = ()) -> Check:
    """Return a blocking check that holds while `observed` does not exceed `allowed`."""
    return Check(name, observed <= allowed, True, observed, allowed, description, tuple(sample)[:5])


def conservation(counts: Counts) -> Check:
    """Return the check of law 1: every row that came in went somewhere."""
    gone = sum(counts.skipped.values()) + sum(counts.quarantined.values())
    lost = counts.rows_in - counts.rows_out - counts.deduplicated - gone
    return check("conservation", "rows in that are neither out, deduplicated, skipped nor quarantined", abs(lost))


def declared_schema(draft: Draft, preview: Manifest, schemas: Schemas) -> Check:
    """Return the check, by the footer of every part, of declared columns and types and as many rows as were counted."""
    wrong = []
    for table, schema in schemas.items():
        for part in preview.tables[table].parts:
            footer = pq.read_metadata(draft.folder / part.path)
            if not footer.schema.to_arrow_schema().equals(schema) or footer.num_rows != part.rows:
                wrong.append(part.path)
    return check("schema", "files whose columns, types or row counts are not those declared", len(wrong), sample=wrong)


def determinism(prior: Manifest | None, new: Manifest) -> Check:
    """Return the check that the same work as last time gave the same content."""
    same_work = (
        prior is not None
        and prior.input_hash == new.input_hash
        and prior.code_version == new.code_version
        and prior.config_hash == new.config_hash
    )
    violated = same_work and prior is not None and prior.content_hash != new.content_hash
    description = "different content from the same input, code and configuration as last time"
    return check("determinism", description, int(violated))
