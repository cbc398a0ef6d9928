"""Column schemas: the tables that the rooms declare, as Dagster shows them."""

from __future__ import annotations

import dagster as dg
import pyarrow as pa

from distill_platform.defs.column_words import WORDS
from distill_platform.evaluation.schemas import TABLES as EVALUATION
from distill_platform.feeds.schemas import TABLES as FEEDS
from distill_platform.models.schemas import TABLES as MODELS
from distill_platform.refinery.schemas import TABLES as REFINERY

TABLES = {**REFINERY, **EVALUATION, **FEEDS, **MODELS}
"""Every table of every dataset."""


def table_metadata(dataset: str) -> dict[str, dg.TableSchema]:
    """Return the schemas of a dataset's tables: the main table's as Dagster's own entry, the others by their names."""
    if dataset not in TABLES:
        return {}
    (_, main), *others = TABLES[dataset].items()
    return {
        "dagster/column_schema": table_schema(main),
        **{f"{name}_columns": table_schema(schema) for name, schema in others},
    }


def table_schema(schema: pa.Schema) -> dg.TableSchema:
    """Return an Arrow schema as Dagster's, descriptions included."""
    return dg.TableSchema([_column(field) for field in schema])


def _column(field: pa.Field) -> dg.TableColumn:
    description = (field.metadata or {}).get(b"description", b"").decode() or WORDS.get(field.name, "")
    constraints = dg.TableColumnConstraints(nullable=field.nullable)
    return dg.TableColumn(field.name, str(field.type), description, constraints)
