"""Columns: many rows of one stream mapped at once, field by field, as `mapping` maps them one by one.

A field whose values all have the usual type costs one list; any other is read value by value, by the mapping's own
getter. Which rows are refused, and why, only the mapping says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from operator import itemgetter
from typing import Any

from distill_platform.core.utc import EARLIEST
from distill_platform.refinery.mapping import OPTIONAL, ROLES, Refused, Row, getter, value_type
from distill_platform.refinery.streams import PLACEHOLDER, FieldSpec, Stream, ValueType

Values = list[Any]


@dataclass(frozen=True)
class Columns:
    """The rows that map, column by column: `kept` are their numbers among the rows given, a missing value is None."""

    kept: list[int]
    moments: list[datetime]
    fields: dict[str, Values]

    def pick(self, wanted: Sequence[int]) -> Columns:
        """Return some of the rows, by their position among those kept."""
        fields = {name: picked(values, wanted) for name, values in self.fields.items()}
        return Columns(picked(self.kept, wanted), picked(self.moments, wanted), fields)


def picked(values: Values, wanted: Sequence[int]) -> Values:
    """Return some of the values, by their positions."""
    return list(map(values.__getitem__, wanted))


class ColumnMapper:
    """Maps many rows of one stream at once; built once, called for every batch."""

    def __init__(self, stream: Stream) -> None:
        config = stream.config
        record = config.record
        self._source = stream.name
        self._tags = sorted(set(config.tags))
        self._moment = _Column("timestamp", record.timestamp)
        names = ("run_id", "task_id", "model_role", *OPTIONAL)
        self._plain = {name: _Column(name, spec) for name in names if (spec := getattr(record, name)) is not None}
        groups = {"validation": record.validation, "metadata": config.metadata}
        self._groups = {
            group: {name: _Column(f"{group}.{name}", spec) for name, spec in specs.items()}
            for group, specs in groups.items()
            if specs
        }
        self._template = config.prompt_template
        self._title = config.title

    def map(self, rows: Sequence[Any]) -> Columns:
        """Return the rows that map; those left out are the rows that `Mapper.map` refuses."""
        kept = [number for number, row in enumerate(rows) if isinstance(row, dict)]
        rows = rows if len(kept) == len(rows) else picked(list(rows), kept)
        refused: set[int] = set()
        moments = self._moment.read(rows, refused)
        fields: dict[str, Values] = {"source": [self._source] * len(rows)}
        fields |= {name: column.read(rows, refused) for name, column in self._plain.items()}
        for group, columns in self._groups.items():
            fields[group] = _grouped({name: column.read(rows, refused) for name, column in columns.items()}, len(rows))
        _refuse_missing(moments, fields, refused)
        mapped = Columns(kept, moments, fields)
        if refused:
            mapped = mapped.pick([number for number in range(len(rows)) if number not in refused])
        self._complete(mapped.fields)
        return mapped

    def _complete(self, fields: dict[str, Values]) -> None:
        """Fill in what follows from the mapped fields: the conversation's two sides, prompt source, title, tags."""
        count = len(fields["source"])
        if "messages" in fields:
            spoken = fields["messages"]
            fields["prompt"] = [said and "\n".join(map(_CONTENT, said[:-1])) for said in spoken]
            fields["text"] = [said and said[-1]["content"] for said in spoken]
        prompts = fields.get("prompt") or [None] * count
        fields["prompt_source"] = ["trace" if prompt else None for prompt in prompts]
        if self._template and not all(prompts):
            filled = _rendered(self._template, fields, count)
            fields["prompt"] = [prompt or made for prompt, made in zip(prompts, filled, strict=True)]
            fields["prompt_source"] = ["trace" if prompt else "template" for prompt in prompts]
        fields["title"] = _rendered(self._title, fields, count)
        fields["tags"] = [self._tags] * count


_CONTENT = itemgetter("content")
_NONE = type(None)


class _Column:
    """One declared field, read from many rows."""

    def __init__(self, name: str, spec: FieldSpec) -> None:
        self._get = getter(name, spec)
        plain = spec.path is not None and "." not in spec.path and spec.default is None
        self._key = spec.path if plain else None
        self._constant = spec.value is not None
        self._usual = _USUAL.get(value_type(name, spec))

    def read(self, rows: Sequence[Row], refused: set[int]) -> Values:
        """Return the field of every row, and add to `refused` the numbers of the rows in which it is wrong."""
        if self._constant:
            return [self._get({})] * len(rows)
        if self._key is not None and self._usual is not None:
            key = self._key
            read = self._usual([row.get(key) for row in rows])
            if read is not None:
                return read
        return [self._one(number, row, refused) for number, row in enumerate(rows)]

    def _one(self, number: int, row: Row, refused: set[int]) -> Any:
        try:
            return self._get(row)
        except Refused:
            refused.add(number)
            return None


def _of_type(kind: type) -> Callable[[Values], Values | None]:
    allowed = {kind, _NONE}
    return lambda found: found if set(map(type, found)) <= allowed else None


def _numbers(found: Values) -> Values | None:
    """Return a column of finite numbers as floats, or None for any other."""
    if set(map(type, found)) <= {int, float} and all(map(math.isfinite, found)):
        return list(map(float, found))
    return None


def _timestamps(found: Values) -> Values | None:
    """Return a column of time stamps that say `Z` or `+00:00`, or None for any other."""
    if set(map(type, found)) != {str}:
        return None
    try:
        moments = list(map(datetime.fromisoformat, found))
    except ValueError:
        return None
    usual = all(moment.tzinfo is UTC for moment in moments) and min(moments) >= EARLIEST
    return moments if usual and "\0" not in "".join(found) else None


_USUAL: dict[ValueType, Callable[[Values], Values | None]] = {
    ValueType.STRING: _of_type(str),
    ValueType.IDENTIFIER: _of_type(str),
    ValueType.BOOLEAN: _of_type(bool),
    ValueType.NUMBER: _numbers,
    ValueType.TIMESTAMP: _timestamps,
}


def _grouped(columns: dict[str, Values], count: int) -> Values:
    """Return one mapping of names to values per row, without those that are missing; None where all are."""
    names = tuple(columns)
    rows: Iterable[tuple[Any, ...]] = zip(*columns.values(), strict=True) if columns else repeat((), count)
    if not any(None in values for values in columns.values()):
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} or None for row in rows]


def _refuse_missing(moments: Values, fields: dict[str, Values], refused: set[int]) -> None:
    """Add to `refused` the rows that lack what every record has."""
    refused.update(number for number, moment in enumerate(moments) if moment is None)
    for name in ("run_id", "task_id"):
        refused.update(number for number, value in enumerate(fields[name]) if value is None or not value.strip())
    if not set(fields["model_role"]) <= ROLES:
        refused.update(number for number, role in enumerate(fields["model_role"]) if role not in ROLES)


def _rendered(template: str, fields: dict[str, Values], count: int) -> list[str]:
    """Return the template filled from every record; a missing name leaves nothing."""
    pieces = PLACEHOLDER.split(template)
    columns: list[Iterable[str]] = [repeat(pieces[0], count)]
    for name, literal in zip(pieces[1::2], pieces[2::2], strict=True):
        columns.append([str(value or "") for value in fields[name]] if name in fields else repeat("", count))
        columns.append(repeat(literal, count))
    return list(map("".join, zip(*columns, strict=True)))
