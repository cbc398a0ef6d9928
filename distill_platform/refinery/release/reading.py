"""Reading: one split of a released corpus, both formats side by side, row by row.

Layer 4 believes nothing of what the builder knew, so ids are worked out here from the rows alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset
from distill_platform.refinery.corpora import firewall
from distill_platform.refinery.release import layout
from distill_platform.refinery.release.tables import jsonl
from distill_platform.refinery.release.trainers import CONVERSATIONS, Row
from distill_platform.refinery.schemas import CORPORA
from distill_platform.store.lake import TableEntry

_KEPT = 5


@dataclass(frozen=True)
class SplitTask:
    """One split of a corpus in the release at `folder`, as its manifest counts it."""

    folder: Path
    config: str
    split: str
    entry: TableEntry


@dataclass
class Findings:
    """What is wrong with one split; ids, tasks and judged texts are kept as hashes to be compared across splits."""

    task: SplitTask
    mistyped: bool = False
    unlike: int = 0
    unlike_conversations: int = 0
    unfit: int = 0
    forged: int = 0
    misplaced: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)
    other_content: bool = False
    ids: list[bytes] = field(default_factory=list)
    tasks: set[str] = field(default_factory=set)
    labelled: dict[bool, set[bytes]] = field(default_factory=lambda: {True: set(), False: set()})

    def example(self, name: str, row: Row) -> None:
        """Keep the ids of the first few rows that something is wrong with."""
        kept = self.examples.setdefault(name, [])
        if len(kept) < _KEPT:
            kept.append(f"{self.task.config}/{self.task.split} {row['id']}")


def read_split(task: SplitTask) -> Findings:
    """Return what is wrong with one split; CorruptDataset where its files cannot be read as a corpus."""
    try:
        return _read(task)
    except (OSError, pa.ArrowException, ValueError, TypeError, LookupError, AttributeError) as error:
        place = task.folder / layout.rows_table(task.config, task.split)
        raise CorruptDataset(f"{place} cannot be read as a corpus: {error}") from error


def _read(task: SplitTask) -> Findings:
    place = task.folder / layout.rows_table(task.config, task.split)
    findings = Findings(task)
    corpus = layout.CORPUS_OF[task.config]
    if not typed(place.with_suffix(".parquet"), CORPORA[corpus], task.entry.rows):
        findings.mistyped = True
        return findings
    content = hashlib.sha256()
    with ExitStack() as stack:
        lines = stack.enter_context(place.with_suffix(".jsonl").open("rb"))
        converse = CONVERSATIONS.get(task.config)
        chats_file = task.folder / f"{layout.conversations_table(task.config, task.split)}.jsonl"
        chats = stack.enter_context(chats_file.open("rb")) if converse else None
        for group in _groups(place.with_suffix(".parquet")):
            rows = group.to_pylist()
            findings.unlike += _unlike(lines, rows)
            if chats and converse:
                findings.unlike_conversations += _unlike(chats, map(converse, rows))
            _look(findings, corpus, group, rows)
            content.update(b"".join(findings.ids[-len(rows) :]))
        findings.unlike += _left(lines)
        findings.unlike_conversations += _left(chats) if chats else 0
    findings.other_content = content.hexdigest() != task.entry.content_hash
    return findings


def typed(path: Path, schema: pa.Schema, rows: int) -> bool:
    """Return whether a Parquet file has the declared columns, types and number of rows."""
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return bool(footer.schema.to_arrow_schema().equals(schema) and footer.num_rows == rows)


def _groups(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)


def _unlike(lines: BinaryIO, rows: Iterable[Any]) -> int:
    """Return how many of the next lines are not exactly the canonical form of these rows."""
    return sum(lines.readline() != expected for expected in jsonl(rows))


def _left(lines: BinaryIO) -> int:
    return sum(1 for _ in islice(lines, 1_000_000))


def _look(findings: Findings, corpus: str, group: pa.Table, rows: list[dict[str, Any]]) -> None:
    for row, unfit in zip(rows, firewall.violations(corpus, group).to_pylist(), strict=True):
        if unfit:
            findings.unfit += 1
            findings.example("unfit", row)
        if row["id"] != (expected_id(findings.task.config, row) or row["id"]):
            findings.forged += 1
            findings.example("forged", row)
        findings.misplaced += row["split"] != findings.task.split
        findings.tasks.add(row["task_id"])
        findings.ids.append(bytes.fromhex(row["id"]))
        if findings.task.config == "kto":
            said = f"{row['task_id']}\n{row['completion'][-1]['content']}"
            findings.labelled[row["label"]].add(hashlib.sha256(said.encode()).digest()[:16])


def expected_id(config: str, row: Row) -> str | None:
    """Return the id that a row must have by what it says; None for a conversation, whose id covers its plain form."""
    if config != "rag" and len(row["prompt"]) != 1:
        return None
    origin = [row[name] for name in _ORIGINS.get(config, ("task_id", "source_run_id", "evidence_id"))]
    return canon.sig_hash([config, [*origin, *_CONTENTS[config](row)]])


def _said(row: Row, name: str) -> str:
    """Return the hash of what a message says, which is what an id covers."""
    return _hash(row[name][-1]["content"])


def _hash(text: str) -> str:
    return canon.sha256_hex(text.encode())


_ORIGINS = {"preference": ("task_id", "chosen_run_id", "chosen_evidence_id")}
_CONTENTS: Mapping[str, Callable[[Row], list[Any]]] = {
    "rag": lambda row: [
        row["title"],
        _hash(row["text"]),
        *(row[name] for name in ("tags", "success_score", "source_category")),
    ],
    "sft": lambda row: [_said(row, "prompt"), _said(row, "completion"), row["quality_score"]],
    "preference": lambda row: [
        *(_said(row, name) for name in ("prompt", "chosen", "rejected")),
        row["rejected_evidence_id"],
    ],
    "kto": lambda row: [_said(row, "prompt"), _said(row, "completion"), row["label"]],
}
