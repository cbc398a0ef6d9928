"""Columns: many rows of one stream mapped at once, field by field, as `mapping` maps them one by one.

A field whose values all have the usual type costs one list; any other is read value by value, by the mapping's own
getter. Which rows are refused, and why, only the mapping says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from distill_platform.core.utc import EARLIEST
from distill_platform.refinery.mapping import OPTIONAL, ROLES, Refused, Row, getter, value_type
from distill_platform.refinery.streams import PLACEHOLDER, FieldSpec, Stream, ValueType

Values = list[Any]
Moments = np.ndarray[tuple[int], np.dtype[np.int64]]
_UTC = pa.timestamp("us", tz="UTC")
_LATEST = 253_402_300_799_999_999  # the end of year 9999


@dataclass(frozen=True)
class Columns:
    """The rows that map, column by column: `kept` are their numbers among the rows given, a missing value is None.

    `moments` are microseconds since 1970.
    """

    kept: list[int]
    moments: Moments
    fields: dict[str, Values]

    def pick(self, wanted: Sequence[int]) -> Columns:
        """Return some of the rows, by their position among those kept."""
        fields = {name: picked(values, wanted) for name, values in self.fields.items()}
        return Columns(picked(self.kept, wanted), self.moments[list(wanted)], fields)


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
        moments = self._moments(rows, refused)
        fields: dict[str, Values] = {"source": [self._source] * len(rows)}
        fields |= {name: column.read(rows, refused) for name, column in self._plain.items()}
        for group, columns in self._groups.items():
            fields[group] = _grouped({name: column.read(rows, refused) for name, column in columns.items()})
        _refuse_missing(fields, refused)
        mapped = Columns(kept, moments, fields)
        if refused:
            mapped = mapped.pick([number for number in range(len(rows)) if number not in refused])
        self._complete(mapped.fields)
        return mapped

    def _moments(self, rows: Sequence[Row], refused: set[int]) -> Moments:
        moments = _timestamps(self._moment.found(rows)) if self._moment.kind is ValueType.TIMESTAMP else None
        if moments is not None:
            return moments
        read = self._moment.read(rows, refused)
        refused.update(number for number, moment in enumerate(read) if moment is None)
        return np.array([microseconds(moment or EARLIEST) for moment in read], np.int64)

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
        self.kind = value_type(name, spec)
        self._get = getter(name, spec)
        self._key = spec.path if spec.path is not None and "." not in spec.path and spec.default is None else None
        self._constant = spec.value is not None

    def read(self, rows: Sequence[Row], refused: set[int]) -> Values:
        """Return the field of every row, and add to `refused` the numbers of the rows in which it is wrong."""
        if self._constant:
            return [self._get({})] * len(rows)
        usual = _USUAL.get(self.kind)
        read = usual(self.found(rows)) if usual is not None and self._key is not None else None
        return read if read is not None else [self._one(number, row, refused) for number, row in enumerate(rows)]

    def found(self, rows: Sequence[Row]) -> Values:
        """Return the values as they stand in the rows; none unless the field is one key without a default."""
        key = self._key
        return [row.get(key) for row in rows] if key is not None else []

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


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (moment - EARLIEST) // timedelta(microseconds=1)


def _timestamps(found: Values) -> Moments | None:
    """Return a column of time stamps as Arrow reads them, or None where it cannot: what it can read, it reads alike."""
    if set(map(type, found)) != {str}:
        return None
    try:
        moments: Moments = pa.array(found).cast(_UTC).cast(pa.int64()).to_numpy()
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    return moments if moments.min() >= 0 and moments.max() <= _LATEST else None


_USUAL: dict[ValueType, Callable[[Values], Values | None]] = {
    ValueType.STRING: _of_type(str),
    ValueType.IDENTIFIER: _of_type(str),
    ValueType.BOOLEAN: _of_type(bool),
    ValueType.NUMBER: _numbers,
}


def _grouped(columns: dict[str, Values]) -> Values:
    """Return one mapping of names to values per row, without those that are missing; None where all are."""
    rows: Iterable[tuple[Any, ...]] = zip(*columns.values(), strict=True)
    named = list(map(dict, map(zip, repeat(tuple(columns)), rows)))
    if not any(None in values for values in columns.values()):
        return named
    return [{name: value for name, value in row.items() if value is not None} or None for row in named]


def _refuse_missing(fields: dict[str, Values], refused: set[int]) -> None:
    """Add to `refused` the rows that lack what every record has."""
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
