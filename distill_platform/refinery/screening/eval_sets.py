"""Evaluation sets: the benchmark questions and answers that no training corpus may contain.

Every `<name>.jsonl` in a folder is the set `<name>`, one item per line. Which fields hold the prompt and the answer is
recognized by their usual names, or declared in `<name>.yaml` beside it:

    prompt: question_text
    answer: reference

Nothing is skipped: a file, a line or a key that cannot be used is an error, since a gate that silently covers less than
its user believes is worse than none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.core.errors import CanonError, ConfigError
from distill_platform.refinery.screening.fold import words

PROMPT_FIELDS = ("prompt", "question", "instruction", "input", "problem")
ANSWER_FIELDS = ("answer", "canonical_solution", "completion", "solution", "output", "response")

_NOT_SETS = frozenset({".yaml", ".md", ".txt"})


@dataclass(frozen=True)
class EvalSet:
    """One evaluation set: item i has `prompts[i]`, `answers[i]` ("" where there is none) and stands in line i + 1.

    `sha256` covers the bytes of the file and of its declaration.
    """

    name: str
    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    sha256: str


class _Declaration(StrictModel):
    """The content of `<name>.yaml`."""

    prompt: str | None = None
    answer: str | None = None


def load_eval_sets(folder: Path) -> tuple[EvalSet, ...]:
    """Return the evaluation sets of a folder, ordered by name; none if the folder is missing or empty.

    Raises ConfigError, with file and line, for whatever cannot be read as a set.
    """
    if not folder.exists():
        return ()
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in files:
        _refuse_stranger(path)
    return tuple(_load(path) for path in files if path.suffix == ".jsonl")


def _refuse_stranger(path: Path) -> None:
    if path.is_dir() or path.suffix not in _NOT_SETS | {".jsonl"}:
        raise ConfigError(
            "is not an evaluation set", file=str(path), hint="Convert it to <name>.jsonl or move it out of this folder"
        )
    if path.suffix == ".yaml" and not path.with_suffix(".jsonl").exists():
        raise ConfigError(
            f"declares the fields of {path.stem}.jsonl, which does not exist",
            file=str(path),
            hint="Rename one of the two, or remove this file",
        )


def _load(path: Path) -> EvalSet:
    declared, declaration = _declaration(path.with_suffix(".yaml"))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
    rows = [_row(line, path, number) for number, line in enumerate(content.splitlines(), 1)]
    if not rows:
        raise ConfigError("is empty", file=str(path), hint="Add its items, or remove the file")
    prompt, answer = _fields(rows[0], declared, path)
    digest = hashlib.sha256(hashlib.sha256(content).digest() + hashlib.sha256(declaration).digest())
    return EvalSet(
        name=path.stem,
        prompts=tuple(_prompt(row, prompt, path, number) for number, row in enumerate(rows, 1)),
        answers=tuple(_answer(row, answer, path, number) for number, row in enumerate(rows, 1)),
        sha256=digest.hexdigest(),
    )


def _declaration(path: Path) -> tuple[_Declaration, bytes]:
    if not path.exists():
        return _Declaration(), b""
    return load_yaml(path, _Declaration), path.read_bytes()


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = canon.parse(line)
    except CanonError as error:
        raise ConfigError(f"is not a JSON row: {error.message}", file=str(path), line=number) from None
    if not isinstance(row, dict):
        raise ConfigError("is not a JSON object", file=str(path), line=number)
    return row


def _fields(row: dict[str, Any], declared: _Declaration, path: Path) -> tuple[str, str | None]:
    """Return the names of the prompt and the answer field, declared or recognized in the first row."""
    prompt = declared.prompt or next((name for name in PROMPT_FIELDS if name in row), None)
    if prompt is None:
        raise ConfigError(
            f"has no prompt field; its first row has {', '.join(row) or 'no fields'}",
            file=str(path),
            line=1,
            hint=f"Say which it is in {path.stem}.yaml: `prompt: <field>`",
        )
    answer = declared.answer or next((name for name in ANSWER_FIELDS if name in row and name != prompt), None)
    return prompt, answer


def _prompt(row: dict[str, Any], field: str, path: Path, number: int) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        _refuse_value(field, value, path, number)
    if not words(value):
        raise ConfigError(f"{field!r} has no words to compare", file=str(path), line=number)
    return value


def _answer(row: dict[str, Any], field: str | None, path: Path, number: int) -> str:
    """Return the answer's text; null and "" mean that the item has none, and a number is its own text."""
    if field is None:
        return ""
    if field not in row:
        _refuse_value(field, None, path, number)
    value = row[field]
    if isinstance(value, list | dict):
        _refuse_value(field, value, path, number)
    return "" if value is None else str(value)


def _refuse_value(field: str, value: object, path: Path, number: int) -> NoReturn:
    found = "nothing" if value is None else f"a {type(value).__name__}"
    raise ConfigError(
        f"{field!r} must be text, found {found}",
        file=str(path),
        line=number,
        hint=f"Say in {path.stem}.yaml which fields to use: `prompt: <field>`, `answer: <field>`",
    )
