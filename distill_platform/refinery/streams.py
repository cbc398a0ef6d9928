"""Stream declarations: one YAML file per trace stream says where it lies, how rows map, and how they are scored."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, load_yaml, nearest, rule_error
from distill_platform.core.errors import ConfigError, ExpressionError
from distill_platform.core.expression import Expression, Kind, compile_expression
from distill_platform.core.hooks import HookName, import_hook
from distill_platform.store.lake.parts import file_sha256


class StreamClass(StrEnum):
    """What a stream's records can say about themselves."""

    VERDICT = "verdict"
    TELEMETRY = "telemetry"
    EXTRACTION = "extraction"


class Category(StrEnum):
    """The verdict over one record, most favourable first."""

    ACCEPTED = "accepted"
    PARTIALLY_ACCEPTED = "partially_accepted"
    NEEDS_HUMAN_REVIEW = "needs_human_review"
    REJECTED = "rejected"

    @property
    def rank(self) -> int:
        """Return 0 for the most favourable category, growing as it gets worse."""
        return _RANKS[self]


_RANKS = {category: rank for rank, category in enumerate(Category)}


class ModelRole(StrEnum):
    """Who produced the record's text."""

    EXECUTOR = "executor"
    REVIEWER = "reviewer"
    EXTRACTOR = "extractor"
    VERIFIER = "verifier"
    CATEGORIZER = "categorizer"
    TIEBREAKER = "tiebreaker"
    APPLIER = "applier"
    EMBEDDER = "embedder"
    OTHER = "other"


class ValueType(StrEnum):
    """How a value of a source row is read; anything else is a schema violation."""

    STRING = "string"
    IDENTIFIER = "identifier"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRINGS = "strings"
    TIMESTAMP = "timestamp"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    MESSAGES = "messages"


def _enum(kind: type[StrEnum]) -> BeforeValidator:
    """Accept the plain word of a YAML file for an enum, which strict mode would refuse."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and value not in set(kind):
            raise ValueError(f"{value!r} is not one of {', '.join(kind)}. {nearest(value, list(kind))}")
        return kind(value) if isinstance(value, str) else value

    return BeforeValidator(read)


class FieldSpec(StrictModel):
    """Where one field comes from: exactly one of from, first, value or template."""

    path: str | None = Field(None, alias="from", min_length=1)
    first: list[str] | None = Field(None, min_length=1)
    value: str | float | int | bool | None = None
    template: str | None = None
    type: Annotated[ValueType, _enum(ValueType)] | None = None
    default: str | float | int | bool | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("path", "first", "value", "template") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a field needs exactly one of 'from', 'first', 'value' or 'template'")
        return self


def _spec(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


Spec = Annotated[FieldSpec, BeforeValidator(_spec)]

_TEXT = (ValueType.STRING, ValueType.IDENTIFIER)
_MOMENT = (ValueType.TIMESTAMP, ValueType.EPOCH_S, ValueType.EPOCH_MS)
RECORD_TYPES: dict[str, tuple[ValueType, ...]] = {
    "run_id": (ValueType.IDENTIFIER, ValueType.STRING),
    "task_id": (ValueType.IDENTIFIER, ValueType.STRING),
    "timestamp": _MOMENT,
    "messages": (ValueType.MESSAGES,),
    "success_markers": (ValueType.STRINGS,),
    "failure_markers": (ValueType.STRINGS,),
    "prompt_tokens": (ValueType.NUMBER,),
    "completion_tokens": (ValueType.NUMBER,),
    "latency_ms": (ValueType.NUMBER,),
    "cost_usd": (ValueType.NUMBER,),
}


class RecordMapping(StrictModel):
    """Which part of a source row becomes which field of an EvidenceRecord."""

    run_id: Spec
    task_id: Spec
    timestamp: Spec
    model_role: Spec
    model_name: Spec | None = None
    prompt: Spec | None = None
    text: Spec | None = None
    messages: Spec | None = None
    observer_verdict: Spec | None = None
    success_markers: Spec | None = None
    failure_markers: Spec | None = None
    prompt_tokens: Spec | None = None
    completion_tokens: Spec | None = None
    latency_ms: Spec | None = None
    cost_usd: Spec | None = None
    validation: dict[str, Spec] = Field(default_factory=dict)

    @field_validator("*")
    @classmethod
    def _readable(cls, value: Any, info: ValidationInfo) -> Any:
        allowed = RECORD_TYPES.get(info.field_name or "", _TEXT)
        if isinstance(value, FieldSpec) and value.type is not None and value.type not in allowed:
            raise ValueError(f"cannot be read as {value.type}; use {' or '.join(allowed)}")
        return value

    @field_validator("model_role")
    @classmethod
    def _known_role(cls, spec: FieldSpec) -> FieldSpec:
        for role in (spec.value, spec.default):
            if role is not None and role not in set(ModelRole):
                raise ValueError(f"{role!r} is not a role. {nearest(str(role), list(ModelRole))}")
        return spec

    @model_validator(mode="after")
    def _messages_alone(self) -> Self:
        if self.messages is not None and (self.prompt is not None or self.text is not None):
            raise ValueError("map either 'messages' or 'prompt' and 'text': two versions of a conversation may differ")
        return self


class ScoringRule(StrictModel):
    """One rule: where `when` holds, the record has this category for this reason."""

    when: str
    category: Annotated[Category, _enum(Category)]
    reason: str = Field(pattern=r"^[a-z][a-z0-9_]*$")


class Outcome(StrictModel):
    """What a record gets when no rule decides."""

    category: Annotated[Category, _enum(Category)]
    reason: str = Field(pattern=r"^[a-z][a-z0-9_]*$")


NUMBERS = ("prompt_tokens", "completion_tokens", "latency_ms", "cost_usd")
LENGTHS = ("prompt_chars", "text_chars", "success_marker_count", "failure_marker_count")
STRINGS = ("run_id", "task_id", "source", "model_role", "model_name", "prompt", "text", "observer_verdict")
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class StreamConfig(StrictModel):
    """One trace stream, as its YAML file declares it."""

    stream: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    stream_class: Annotated[StreamClass, _enum(StreamClass)] = Field(alias="class")
    path: str
    transform: HookName | None = None
    record: RecordMapping
    metadata: dict[str, Spec] = Field(default_factory=dict)
    prompt_template: str | None = None
    title: str = "{source}: {task_id}"
    tags: list[str] = Field(default_factory=list)
    scoring: list[ScoringRule] = Field(default_factory=list)
    otherwise: Outcome | None = None

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or not value or "\0" in value:
            raise ValueError(f"path {value!r} leaves the source folder; give a path below it")
        try:
            next(Path("/nonexistent").glob(value), None)
        except (ValueError, IndexError) as error:
            raise ValueError(f"path {value!r} is not a path or glob: {error}") from None
        return value

    @field_validator("prompt_template", "title")
    @classmethod
    def _known_names(cls, template: str | None) -> str | None:
        for name in PLACEHOLDER.findall(template or ""):
            if name not in (*STRINGS, *NUMBERS):
                raise ValueError(f"{{{name}}} is not known here. {nearest(name, [*STRINGS, *NUMBERS])}")
        return template

    @model_validator(mode="after")
    def _scored_or_inherited(self) -> Self:
        if self.stream_class is StreamClass.EXTRACTION and (self.scoring or self.otherwise):
            raise ValueError("a stream of class extraction inherits its verdicts; it has no 'scoring'")
        if self.stream_class is not StreamClass.EXTRACTION and not (self.scoring and self.otherwise):
            raise ValueError("a stream of class verdict or telemetry needs 'scoring' and 'otherwise'")
        if self.otherwise is not None and self.otherwise.category.rank < Category.NEEDS_HUMAN_REVIEW.rank:
            raise ValueError("'otherwise' must be needs_human_review or rejected: no rule held, so nothing passes")
        return self


_KINDS = {ValueType.NUMBER: Kind.NUMBER, ValueType.BOOLEAN: Kind.BOOLEAN, ValueType.STRING: Kind.STRING}


@dataclass(frozen=True)
class CompiledRule:
    """A scoring rule ready to run."""

    when: Expression
    category: Category
    reason: str


@dataclass(frozen=True)
class Stream:
    """A declared stream with its rules compiled; `file` is the YAML it came from."""

    config: StreamConfig
    file: Path
    rules: tuple[CompiledRule, ...]

    @property
    def name(self) -> str:
        """Return the stream's name, which is its records' `source`."""
        return self.config.stream

    @cached_property
    def mapping_hash(self) -> str:
        """Return the hash of everything that shapes this stream's evidence, its transform's code too; not scoring."""
        declared = self.config.model_dump(mode="json", by_alias=True, exclude={"scoring", "otherwise"})
        code = inspect.getsourcefile(self.transform) if self.transform is not None else None
        return canon.sig_hash({**declared, "transform_sha256": file_sha256(Path(code)) if code else None})

    @cached_property
    def scoring_hash(self) -> str:
        """Return the hash of everything that shapes this stream's verdicts."""
        return canon.sig_hash(
            self.config.model_dump(mode="json", by_alias=True, include={"stream_class", "scoring", "otherwise"})
        )

    @cached_property
    def transform(self) -> Callable[[dict[str, Any]], Iterable[dict[str, Any]]] | None:
        """Return the declared transform hook, imported beside its YAML file; None without one."""
        return import_hook("transform", self.config.transform, self.file) if self.config.transform else None


def load_streams(folder: Path) -> tuple[Stream, ...]:
    """Return every stream declared in `folder` (`*.yaml`), by name.

    Raises ConfigError for a missing or empty folder, a wrong file, a rule that does not compile, or a name used twice.
    """
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not files:
        raise ConfigError(f"no stream is declared in {folder}", hint="Add one YAML file per stream")
    streams: dict[str, Stream] = {}
    for file in files:
        stream = load_stream(file)
        if stream.name in streams:
            raise ConfigError(f"stream {stream.name!r} is declared twice", file=str(file), hint="Rename one of them")
        streams[stream.name] = stream
    return tuple(streams[name] for name in sorted(streams))


def load_stream(file: Path) -> Stream:
    """Return the stream that one YAML file declares, its rules typed and its transform found."""
    config = load_yaml(file, StreamConfig)
    kinds = declared_kinds(config)
    rules = []
    for number, rule in enumerate(config.scoring):
        try:
            rules.append(CompiledRule(compile_expression(rule.when, kinds), rule.category, rule.reason))
        except ExpressionError as error:
            raise rule_error(file, ("scoring", number, "when"), error) from None
    stream = Stream(config, file, tuple(rules))
    _ = stream.transform
    return stream


def cached_stream(file: Path) -> Stream:
    """Return the stream of one YAML file, loaded once per process and content; for workers, whose tasks name it."""
    return _loaded(file, file.read_bytes())


@lru_cache(maxsize=256)
def _loaded(file: Path, _content: bytes) -> Stream:
    return load_stream(file)


def declared_kinds(config: StreamConfig) -> Mapping[str, Kind]:
    """Return the names that rules of this stream may use, each with its kind."""
    kinds = dict.fromkeys(STRINGS, Kind.STRING) | dict.fromkeys((*NUMBERS, *LENGTHS), Kind.NUMBER)
    for group, specs in (("validation", config.record.validation), ("metadata", config.metadata)):
        for name, spec in specs.items():
            kind = _KINDS.get(spec.type or ValueType.STRING)
            if kind is not None:
                kinds[f"{group}.{name}"] = kind
    return kinds
