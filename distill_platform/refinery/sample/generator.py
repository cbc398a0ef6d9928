"""The generator: a seed in, the bytes of every source file out. Nothing is read and nothing is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from distill_platform.refinery.sample import prose
from distill_platform.refinery.sample.bad_rows import bad_rows
from distill_platform.refinery.sample.book import (
    EXTRACTION_STREAMS,
    OUTCOMES,
    VERDICT_STREAMS,
    Book,
    Draft,
    draw_day,
    draw_moment,
    draw_task,
)
from distill_platform.refinery.sample.dice import Dice
from distill_platform.refinery.sample.plants import PLANTS, Bed
from distill_platform.refinery.sample.rows import SHAPES, Entry, Row
from distill_platform.refinery.sample.tasks import Task, ordinary_tasks, orphan_tasks

SEED = 2026
"""The seed of the committed files."""

_LENGTHS: Mapping[str, tuple[str, int, int]] = {
    "scrum_reviews": ("review", 500, 1350),
    "audits": ("finding", 230, 700),
    "observer_reviews": ("review", 300, 800),
    "contract_analyses": ("review", 900, 1300),
    "mode_experiments": ("review", 400, 1350),
    "auto_apply": ("change", 220, 600),
    "outcomes": ("outcome", 220, 420),
    "distilled_facts": ("facts", 210, 380),
    "distilled_procedures": ("steps", 260, 560),
    "distilled_config_hints": ("facts", 210, 330),
    "audit_facts": ("notes", 220, 520),
    "observer_escalations": ("finding", 320, 900),
}
_COMPACT = frozenset({"audits", "mode_experiments", "outcomes"})
"""These streams write JSON without spaces."""


@dataclass(frozen=True)
class Mark:
    """Where a planted row stands: the stream, its 0-based line and its task; task is empty in bad_rows."""

    stream: str
    line: int
    task_id: str = ""


@dataclass(frozen=True)
class _Sample:
    """All drafts in the order of their files, and the planted groups among them."""

    files: Mapping[str, list[Draft]]
    groups: Mapping[str, list[list[Draft]]]


def generate(seed: int = SEED) -> dict[str, bytes]:
    """File name -> content for the twelve streams and the stream of bad rows; the same seed gives the same bytes."""
    sample = _plan(seed)
    files = {f"{stream}.jsonl": _write(seed, stream, drafts) for stream, drafts in sample.files.items()}
    files["bad_rows.jsonl"] = b"".join(line for _, line in bad_rows())
    return files


def planted(seed: int = SEED) -> dict[str, tuple[tuple[Mark, ...], ...]]:
    """Kind -> groups of marks: what was planted on purpose, and where it stands.

    Kinds of bad rows are named ``bad:<kind>``. ``extraction_with_parent`` and ``extraction_without_parent`` list
    every extraction row, by whether a verdict-bearing row of its task stands on the same UTC day.
    """
    sample = _plan(seed)
    marks: dict[int, list[Mark]] = {}
    for stream, drafts in sample.files.items():
        for line, draft in enumerate(drafts):
            marks.setdefault(id(draft), []).append(Mark(stream, line, _task(draft).task_id))
    found = {
        kind: tuple(tuple(mark for draft in group for mark in marks[id(draft)]) for group in groups)
        for kind, groups in {**sample.groups, **_extractions(sample)}.items()
    }
    return found | {f"bad:{kind}": ((Mark("bad_rows", line),),) for line, (kind, _) in enumerate(bad_rows())}


def _plan(seed: int) -> _Sample:
    book, tasks = Book(), ordinary_tasks(seed)
    bed = Bed(seed, book, tasks)
    groups = {kind: plant(bed) for kind, plant in PLANTS.items()}
    orphans = orphan_tasks(seed)
    for draft in book:
        _fill(seed, draft, tasks, orphans)
    return _Sample({stream: _in_order(seed, stream, book) for stream in OUTCOMES}, groups)


def _fill(seed: int, draft: Draft, tasks: tuple[Task, ...], orphans: tuple[Task, ...]) -> None:
    """Draw by lot what no plant has settled."""
    dice = draft.dice(seed, "fill")
    if draft.day is None:
        draft.day = draw_day(dice)
    if draft.moment is None:
        draft.moment = draw_moment(dice, draft.day)
    if draft.task is None:
        orphaned = draft.stream in EXTRACTION_STREAMS and dice.fraction() < 0.15
        draft.task = dice.pick(orphans) if orphaned else draw_task(dice, draft.day, tasks)
    if draft.text is None:
        kind, low, high = _LENGTHS[draft.stream]
        draft.text = prose.compose(dice, kind, draft.task.subject, low, high)


def _in_order(seed: int, stream: str, book: Book) -> list[Draft]:
    """The stream's drafts by time, as a log grows, with the repeated ones again some lines further down."""
    drafts = sorted((draft for draft in book if draft.stream == stream), key=_moment)
    for draft in [draft for draft in drafts if draft.copies]:
        for turn in range(draft.copies):
            place = drafts.index(draft) + 1 + draft.dice(seed, f"copy {turn}").between(0, 9)
            drafts.insert(min(place, len(drafts)), draft)
    return drafts


def _write(seed: int, stream: str, drafts: list[Draft]) -> bytes:
    separators = (",", ":") if stream in _COMPACT else (", ", ": ")
    rows = (_row(seed, draft) for draft in drafts)
    return b"".join(json.dumps(row, ensure_ascii=False, separators=separators).encode() + b"\n" for row in rows)


def _row(seed: int, draft: Draft) -> Row:
    task = _task(draft)
    dice = Dice(seed, "row", draft.stream, draft.outcome, draft.number)
    entry = Entry(draft.outcome, task.task_id, task.prompt, task.file, draft.text or "", _moment(draft), dice)
    row = SHAPES[draft.stream](entry)
    if draft.undated:
        del row["created_at"]
    return row


def _task(draft: Draft) -> Task:
    if draft.task is None:
        raise AssertionError("a draft was left open")
    return draft.task


def _moment(draft: Draft) -> datetime:
    if draft.moment is None:
        raise AssertionError("a draft was left open")
    return draft.moment


def _extractions(sample: _Sample) -> dict[str, list[list[Draft]]]:
    parents = {(_task(d).task_id, d.day) for stream in VERDICT_STREAMS for d in sample.files[stream]}
    found: dict[str, list[list[Draft]]] = {"extraction_with_parent": [], "extraction_without_parent": []}
    for stream in EXTRACTION_STREAMS:
        for draft in dict.fromkeys(sample.files[stream]):
            inherits = (_task(draft).task_id, draft.day) in parents
            found["extraction_with_parent" if inherits else "extraction_without_parent"].append([draft])
    return found
