"""Mapping: a source row becomes the fields of an EvidenceRecord, as its stream declares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from distill_platform.core.errors import ConfigError, DistillError
from distill_platform.core.utc import ZonelessTimestamp, from_epoch, parse_utc
from distill_platform.refinery.streams import PLACEHOLDER, RECORD_TYPES, FieldSpec, ModelRole, Stream, ValueType

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]


class Refused(DistillError):
    """A source row does not become evidence; `reason` says why, `moment` when the row says it happened."""

    def __init__(self, reason: str, detail: str, moment: datetime | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.moment = moment


class Mapped(NamedTuple):
    """One mapped row: `moment` places it in a day; `fields` is the record without ids and provenance."""

    moment: datetime
    fields: dict[str, Any]


ROLES = frozenset(ModelRole)
_SPEAKERS = ("system", "developer", "user", "assistant", "tool")
_TYPES = {name: types[0] for name, types in RECORD_TYPES.items()}
OPTIONAL = (
    "model_name", "prompt", "text", "messages", "observer_verdict", "success_markers", "failure_markers",
    "prompt_tokens", "completion_tokens", "latency_ms", "cost_usd",
)  # fmt: skip


class Mapper:
    """Maps rows of one stream; built once, called for every row."""

    def __init__(self, stream: Stream) -> None:
        config = stream.config
        record = config.record
        self._source = stream.name
        self._moment = getter("timestamp", record.timestamp)
        self._run_id = getter("run_id", record.run_id)
        self._task_id = getter("task_id", record.task_id)
        self._role = getter("model_role", record.model_role)
        self._optional = [
            (name, getter(name, spec)) for name in OPTIONAL if (spec := getattr(record, name)) is not None
        ]
        groups = (("validation", record.validation), ("metadata", config.metadata))
        self._groups = [
            (group, [(name, getter(f"{group}.{name}", spec)) for name, spec in specs.items()])
            for group, specs in groups
            if specs
        ]
        self._template = renderer(config.prompt_template) if config.prompt_template else None
        self._title = renderer(config.title)
        self._tags = sorted(set(config.tags))

    def map(self, row: Any) -> Mapped:
        """Return the mapped row.

        Raises Refused with reason missing_timestamp, zoneless_timestamp, invalid_timestamp, missing_source_run_id,
        missing_task_id or schema_violation.
        """
        moment = self.moment(row)
        try:
            return Mapped(moment, self._fields(row))
        except Refused as error:
            error.moment = moment
            raise

    def moment(self, row: Any) -> datetime:
        """Return when the row happened; Refused where it does not say."""
        if not isinstance(row, dict):
            raise Refused("schema_violation", f"row is {_kind(row)}, not an object")
        moment: datetime | None = self._moment(row)
        if moment is None:
            raise Refused("missing_timestamp", "the row has no time stamp")
        return moment

    def _fields(self, row: Row) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "source": self._source,
            "run_id": _required(self._run_id(row), "missing_source_run_id", "run_id"),
            "task_id": _required(self._task_id(row), "missing_task_id", "task_id"),
            "model_role": self._role(row),
        }
        if fields["model_role"] not in ROLES:
            raise Refused("schema_violation", f"model_role {fields['model_role']!r} is not a known role")
        for name, get in self._optional:
            value = get(row)
            if value is not None:
                fields[name] = value
        for group, getters in self._groups:
            values = {name: value for name, get in getters if (value := get(row)) is not None}
            if values:
                fields[group] = values
        self._complete(fields)
        return fields

    def _complete(self, fields: dict[str, Any]) -> None:
        """Fill in what follows from the mapped fields: the conversation's two sides, prompt source, title, tags."""
        messages = fields.get("messages")
        if messages is not None:
            fields["prompt"] = "\n".join(message["content"] for message in messages[:-1])
            fields["text"] = messages[-1]["content"]
        if fields.get("prompt"):
            fields["prompt_source"] = "trace"
        elif self._template:
            fields["prompt"] = self._template(fields)
            fields["prompt_source"] = "template"
        fields["title"] = self._title(fields)
        fields["tags"] = self._tags


def refuse_wrong_constants(stream: Stream) -> None:
    """Raise ConfigError for a `value` or `default` that no row could have: better now than once a row."""
    record = stream.config.record
    specs = {name: spec for name in type(record).model_fields if isinstance(spec := getattr(record, name), FieldSpec)}
    specs |= {f"validation.{name}": spec for name, spec in record.validation.items()}
    specs |= {f"metadata.{name}": spec for name, spec in stream.config.metadata.items()}
    for name, spec in specs.items():
        for given in (spec.value, spec.default):
            try:
                _ = None if given is None else _reader(name, spec)(given, name)
            except Refused as error:
                raise ConfigError(f"record.{name} {given!r}: {error.message}", file=str(stream.file)) from None


def value_type(name: str, spec: FieldSpec) -> ValueType:
    """Return how a declared field is read."""
    return spec.type or _TYPES.get(name, ValueType.STRING)


def _reader(name: str, spec: FieldSpec) -> Callable[[Any, str], Any]:
    return _READERS[value_type(name, spec)]


def _required(value: Any, reason: str, name: str) -> str:
    if value is None or not value.strip():
        raise Refused(reason, f"{name} is missing or empty")
    return str(value)


def getter(name: str, spec: FieldSpec) -> Getter:
    """Return the function that reads one declared field from a row; None means absent."""
    read = _reader(name, spec)
    if spec.value is not None:
        constant = read(spec.value, name)
        return lambda row: constant
    find = _finder(name, spec)

    def get(row: Row) -> Any:
        found = find(row)
        if found is None:
            found = spec.default
        return None if found is None else read(found, name)

    return get


def _finder(name: str, spec: FieldSpec) -> Getter:
    """Return the function that finds a field's value in a row as it stands there."""
    if spec.template is not None:
        template = spec.template
        return lambda row: _render_row(template, row, name)
    lookups = [_lookup(path) for path in spec.first or [spec.path or ""]]
    if len(lookups) == 1:
        return lookups[0]
    return lambda row: next((value for lookup in lookups if (value := lookup(row)) is not None), None)


def _lookup(path: str) -> Getter:
    """Return the function that follows a dotted path; a key that holds the dots itself wins."""
    parts = path.split(".")
    if len(parts) == 1:
        return lambda row: row.get(path)

    def follow(row: Row) -> Any:
        if path in row:
            return row[path]
        value: Any = row
        for part in parts:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return None
        return value

    return follow


def renderer(template: str) -> Callable[[Row], str]:
    """Return the function that fills a template's {names} from a record; a missing name leaves nothing."""
    pieces = PLACEHOLDER.split(template)
    literals, names = pieces[::2], pieces[1::2]

    def render(fields: Row) -> str:
        filled = [literals[0]]
        for name, literal in zip(names, literals[1:], strict=True):
            filled += [str(fields.get(name) or ""), literal]
        return "".join(filled)

    return render


def _render_row(template: str, row: Row, name: str) -> str | None:
    """Return the template filled from the row, or None when any part of it is missing."""
    parts = {path: _lookup(path)(row) for path in PLACEHOLDER.findall(template)}
    if any(value is None for value in parts.values()):
        return None
    return PLACEHOLDER.sub(lambda match: _identifier(parts[match[1]], name), template)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null" if value is None else type(value).__name__)


def _wrong(value: Any, name: str, wanted: str) -> Refused:
    return Refused("schema_violation", f"{name} is {_kind(value)}, not {wanted}")


def _string(value: Any, name: str) -> str:
    if type(value) is not str:
        raise _wrong(value, name, "a string")
    return value


def _identifier(value: Any, name: str) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise _wrong(value, name, "a string or a whole number")


def _number(value: Any, name: str) -> float:
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return float(value)
    raise _wrong(value, name, "a finite number")


def _boolean(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise _wrong(value, name, "true or false")
    return value


def _strings(value: Any, name: str) -> list[str]:
    if type(value) is list and all(type(item) is str for item in value):
        return value
    raise _wrong(value, name, "a list of strings")


def _timestamp(value: Any, name: str) -> datetime:
    if type(value) is not str:
        raise Refused("invalid_timestamp", f"{name} is {_kind(value)}, not a time stamp")
    try:
        return parse_utc(value)
    except ZonelessTimestamp as error:
        raise Refused("zoneless_timestamp", str(error)) from None
    except ValueError as error:
        raise Refused("invalid_timestamp", f"{name}: {error}") from None


def _epoch(value: Any, name: str, divisor: float) -> datetime:
    try:
        return from_epoch(_number(value, name) / divisor)
    except (Refused, ValueError) as error:
        raise Refused("invalid_timestamp", f"{name}: {error}") from None


def _messages(value: Any, name: str) -> list[dict[str, str]]:
    if type(value) is not list or not value:
        raise _wrong(value, name, "a list of messages")
    messages = [_message(item, name) for item in value]
    if messages[-1]["role"] != "assistant":
        raise Refused("schema_violation", f"{name} must end with an answer of the assistant")
    return messages


def _message(item: Any, name: str) -> dict[str, str]:
    if type(item) is not dict or item.get("role") not in _SPEAKERS or type(item.get("content")) is not str:
        raise Refused("schema_violation", f"{name} must hold {{role, content}}: a known role and a string")
    return {"role": item["role"], "content": item["content"]}


_READERS: dict[ValueType, Callable[[Any, str], Any]] = {
    ValueType.STRING: _string,
    ValueType.IDENTIFIER: _identifier,
    ValueType.NUMBER: _number,
    ValueType.BOOLEAN: _boolean,
    ValueType.STRINGS: _strings,
    ValueType.TIMESTAMP: _timestamp,
    ValueType.EPOCH_S: lambda value, name: _epoch(value, name, 1.0),
    ValueType.EPOCH_MS: lambda value, name: _epoch(value, name, 1000.0),
    ValueType.MESSAGES: _messages,
}
