"""Described tables: schemas whose columns say what they hold, in the words of one list for a whole room."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

Tables = Mapping[str, Mapping[str, pa.Schema]]


def described(tables: Tables, words: Mapping[str, str]) -> dict[str, dict[str, pa.Schema]]:
    """Return the tables of datasets with a description for every column.

    `words` are by column, or by `table.column` where one table means something else by it. A column that was described
    before keeps its words. Raises KeyError for a column that nobody describes.
    """
    return {
        dataset: {name: pa.schema([_described(name, field, words) for field in schema]) for name, schema in own.items()}
        for dataset, own in tables.items()
    }


def _described(table: str, field: pa.Field, words: Mapping[str, str]) -> pa.Field:
    if (field.metadata or {}).get(b"description"):
        return field
    own = f"{table}.{field.name}"
    return field.with_metadata({"description": words[own] if own in words else words[field.name]})
