"""Health of the streams: rows, how many can be scored by their own rules, and which declared fields are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.streams import Stream, StreamClass, cached_stream

_ALWAYS = frozenset({"run_id", "task_id", "source", "model_role", "prompt_chars", "text_chars", "timestamp"})
_COUNTS = {"success_marker_count": "success_markers", "failure_marker_count": "failure_markers"}


@dataclass(frozen=True)
class StreamHealth:
    """One stream on one day: records, those at least one rule can judge, and how many lack each declared field."""

    rows: int = 0
    score_ready: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)

    def plus(self, other: StreamHealth) -> StreamHealth:
        """Return both added."""
        names = sorted({*self.missing, *other.missing})
        missing = {name: self.missing.get(name, 0) + other.missing.get(name, 0) for name in names}
        return StreamHealth(self.rows + other.rows, self.score_ready + other.score_ready, missing)


def measure(records: pa.Table, streams: Iterable[Path]) -> dict[str, StreamHealth]:
    """Return the health of every stream that has records in an evidence table."""
    slim = records.drop_columns(["evidence_id", "messages", "title", "tags", "provenance"])
    slim = slim.set_column(slim.schema.get_field_index("prompt"), "prompt", _present_text(slim, "prompt"))
    slim = slim.set_column(slim.schema.get_field_index("text"), "text", _present_text(slim, "text"))
    found = set(pc.unique(slim["source"]).to_pylist())
    loaded = [cached_stream(file) for file in streams]
    return {
        stream.name: _health(slim.filter(pc.equal(slim["source"], stream.name)), stream)
        for stream in loaded
        if stream.name in found
    }


def report(parts: Iterable[Mapping[str, StreamHealth]]) -> dict[str, dict[str, Any]]:
    """Return the health per stream over all parts of a day, as plain values for the manifest."""
    total: dict[str, StreamHealth] = {}
    for part in parts:
        for name, health in part.items():
            total[name] = total.get(name, StreamHealth()).plus(health)
    return {
        name: {"rows": health.rows, "score_ready": health.score_ready, "missing": dict(health.missing)}
        for name, health in sorted(total.items())
    }


def _present_text(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return whether a text is there and not empty, as a column that is null where it is not."""
    return pc.if_else(pc.greater(table[f"{name}_chars"], 0), pa.scalar(True), pa.scalar(None, pa.bool_()))


def _health(rows: pa.Table, stream: Stream) -> StreamHealth:
    record = stream.config.record
    declared = [name for name in type(record).model_fields if name != "validation" and getattr(record, name)]
    names = [name for name in declared if name not in _ALWAYS]
    names += [f"validation.{name}" for name in record.validation]
    names += [f"metadata.{name}" for name in stream.config.metadata]
    if record.messages is not None:
        names.remove("messages")
    missing = {name: rows.num_rows - _true_count(_present(rows, name)) for name in names}
    return StreamHealth(rows.num_rows, _ready(rows, stream), {name: n for name, n in missing.items() if n})


def _ready(rows: pa.Table, stream: Stream) -> int:
    """Return how many records have every value that at least one of the stream's rules looks at."""
    if stream.config.stream_class is StreamClass.EXTRACTION:
        return 0
    judged = [reduce(pc.and_, [_present(rows, name) for name in rule.when.names]) for rule in stream.rules]
    return _true_count(reduce(pc.or_, judged))


def _present(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """Return, per record, whether a name that rules may use has a value."""
    group, _, key = name.partition(".")
    if key:
        return pc.fill_null(pc.match_substring(rows[group], f'"{key}":'), False)
    if name in ("text", "prompt") or name not in _ALWAYS | set(_COUNTS):
        return pc.is_valid(rows[name])
    return pc.is_valid(rows["source"])


def _true_count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)
