"""Text models: one optional interface, and what becomes of its answers before anybody believes them.

An answer is a mapping of `kind`, `polarity`, `summary` and `entities`, of the right types and in range, or it is
dropped with a reason. It can say what a title is about and how it sounds; it cannot set a time, a source or a weight,
and its entities become links only where the gazetteer knows them, flagged as guesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, Field, ValidationError

from distill_platform.core import canon
from distill_platform.core.config import StrictModel
from distill_platform.core.errors import CanonError, DistillError, TextModelFailed
from distill_platform.feeds.events.normalizing import EventKind
from distill_platform.store.lake.atomic import replace_file

_Text = Annotated[str, Field(max_length=500)]
_Entity = Annotated[str, Field(min_length=1, max_length=80)]


def _as_kind(value: Any) -> Any:
    return EventKind(value) if isinstance(value, str) else value


class TextReading(StrictModel):
    """What a text model may say about one title."""

    kind: Annotated[EventKind, BeforeValidator(_as_kind)]
    polarity: Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
    summary: _Text = ""
    entities: Annotated[list[_Entity], Field(max_length=20)] = Field(default_factory=list)


class TextModel(Protocol):
    """Whatever reads headlines: a service, a program, a table."""

    @property
    def version(self) -> str:
        """Return what changes with every change of the model or of how it is asked."""
        ...

    def read(self, titles: Sequence[str]) -> Sequence[object]:
        """Return one answer per title, in their order: a mapping of the fields of TextReading."""
        ...


@dataclass(frozen=True, slots=True)
class RejectedReading:
    """An answer that is not one."""

    title: str
    reason: str


@dataclass(frozen=True)
class Readings:
    """What a text model said, by title, and what of it was dropped."""

    accepted: Mapping[str, TextReading]
    rejected: tuple[RejectedReading, ...]


def read_titles(model: TextModel, titles: Sequence[str]) -> Readings:
    """Return what a model says about different titles; all its answers are rejected if their number is wrong.

    Raises TextModelFailed where it says nothing: events without its readings would be other events.
    """
    distinct = sorted(set(titles))
    answers = _asked(model, distinct) if distinct else ()
    if len(answers) != len(distinct):
        reason = f"answer_count: {len(answers)} answers to {len(distinct)} titles"
        return Readings({}, tuple(RejectedReading(title, reason) for title in distinct))
    accepted: dict[str, TextReading] = {}
    rejected: list[RejectedReading] = []
    for title, answer in zip(distinct, answers, strict=True):
        try:
            accepted[title] = TextReading.model_validate(answer)
        except ValidationError as error:
            rejected.append(RejectedReading(title, _reason(error)))
    return Readings(accepted, tuple(rejected))


def _asked(model: TextModel, titles: Sequence[str]) -> Sequence[object]:
    try:
        return model.read(titles)
    except DistillError:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}"[:300]
        hint = "Make these days again once it answers; what it said before is remembered"
        raise TextModelFailed(f"the text model gave no answer to {len(titles)} titles: {told}", hint=hint) from error


def _reason(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in detail["loc"]) or "answer"
    return f"{detail['type']}: {place[:80]}: {detail['msg']}"[:300]


class RememberedTextModel:
    """A text model that is asked once about each title: what it said is said again, whatever it would say now.

    `memory` is a folder; an answer lies there in canonical JSON, under the SHA-256 of version and title. An answer that
    is not JSON is not remembered, nor are answers of the wrong number; one that was damaged is asked for again.
    """

    def __init__(self, model: TextModel, memory: Path) -> None:
        self._model = model
        self._memory = memory

    @property
    def version(self) -> str:
        """Return the version of the model behind."""
        return self._model.version

    def read(self, titles: Sequence[str]) -> Sequence[object]:
        """Return the remembered answers, and those of the model to titles that it was never asked about."""
        known = {title: answer for title in titles for answer in self._recalled(title)}
        missing = [title for title in titles if title not in known]
        answers = self._model.read(missing) if missing else ()
        if len(answers) != len(missing):
            return answers
        for title, answer in zip(missing, answers, strict=True):
            known[title] = answer
            self._remember(title, answer)
        return [known[title] for title in titles]

    def _recalled(self, title: str) -> list[object]:
        """Return the remembered answer to a title as the only item of a list, an empty list where there is none."""
        try:
            return [canon.parse(self._file(title).read_bytes())]
        except (FileNotFoundError, CanonError):
            return []

    def _remember(self, title: str, answer: object) -> None:
        try:
            canon.refuse_non_finite(answer)
            replace_file(self._file(title), canon.dumps(answer))
        except CanonError:
            return

    def _file(self, title: str) -> Path:
        key = canon.sig_hash([self.version, title])
        return self._memory / key[:2] / f"{key}.json"
