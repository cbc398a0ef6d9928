"""Scoring: every evidence record gets one verdict from its stream's rules. Deterministic, no model calls.

The first rule that holds decides. A rule over a missing value is unknown and never holds; and where an unknown rule
would have given a less favourable category than the one that held, nobody can say, so a person has to look.
Extraction records have no rules: they inherit the least favourable verdict among the verdict-bearing records of
their task, marked as inherited.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.expression import Verdict as Truth
from distill_platform.refinery.schemas import SCORED
from distill_platform.refinery.stage import Refinery, Staged, Written, add_table, as_input, publish, same_keys
from distill_platform.refinery.streams import Category, Stream, StreamClass, cached_stream
from distill_platform.store.lake import Counts, Dataset, Draft, Manifest
from distill_platform.store.lake.parts import read_part, write_part

SCORER_VERSION = "1.0.0"
_KEPT = ("evidence_id", "run_id", "task_id", "source", "timestamp", "provenance")
_PLAIN = ("evidence_id", "run_id", "provenance.line_offset", "provenance.raw_sha256", "provenance.sig_hash")


class Verdict(NamedTuple):
    """A category and why."""

    category: Category
    reasons: tuple[str, ...]


Judge = Callable[[Callable[[str], Any]], Verdict]


def judge_for(stream: Stream) -> Judge:
    """Return the function that gives a record of this stream its verdict; it takes a look-up of the record's names."""
    rules = [(rule.when, rule.category, rule.reason) for rule in stream.rules]
    otherwise = stream.config.otherwise
    assert otherwise is not None
    fallback = Verdict(otherwise.category, (otherwise.reason,))

    def judge(lookup: Callable[[str], Any]) -> Verdict:
        unknown: list[tuple[Category, str]] = []
        for when, category, reason in rules:
            truth = when.evaluate(lookup)
            if truth is Truth.TRUE:
                worse = [why for could_be, why in unknown if could_be.rank > category.rank]
                if worse:
                    return Verdict(Category.NEEDS_HUMAN_REVIEW, tuple(f"unknown:{why}" for why in worse))
                return Verdict(category, (reason,))
            if truth is Truth.UNKNOWN:
                unknown.append((category, reason))
        return fallback

    return judge


def inherit(verdicts: Sequence[Category]) -> Verdict:
    """Return what an extraction record inherits from its task's verdict-bearing records: the least favourable."""
    if not verdicts:
        return Verdict(Category.NEEDS_HUMAN_REVIEW, ("no_verdict_for_task",))
    worst = max(verdicts, key=lambda category: category.rank)
    return Verdict(worst, (f"inherited_{worst}",))


def score_runs(refinery: Refinery, days: Sequence[str]) -> list[Manifest]:
    """Return the published manifests of the scored runs of `days`, one run per evidence record, in its order."""
    manifests = []
    for done, day in enumerate(days, start=1):
        evidence = refinery.lake.open("evidence", day)
        with refinery.lake.draft("scored_runs", day) as draft:
            manifests.append(publish(refinery.lake, _stage(refinery, evidence, draft)))
        refinery.progress("scored_runs", done, len(days))
    return manifests


@dataclass(frozen=True)
class _ScoreTask:
    evidence: Path
    part: Path
    streams: tuple[Path, ...]
    parents: Mapping[str, tuple[Category, ...]]


@dataclass(frozen=True)
class _ScoredPart:
    written: Written
    categories: Counter[str]
    inherited: int


def _stage(refinery: Refinery, evidence: Dataset, draft: Draft) -> Staged:
    streams = tuple(stream.file for stream in refinery.settings.streams)
    parents = _parents(refinery, evidence)
    tasks = [
        _ScoreTask(path, draft.part_path("runs", number), streams, parents)
        for number, path in enumerate(evidence.paths("records"))
    ]
    scored = list(refinery.workers.map(_score_part, tasks))
    add_table(draft, "runs", [part.written for part in scored])
    categories = sum((part.categories for part in scored), Counter[str]())
    read = evidence.manifest.tables["records"]
    counts = Counts(rows_in=read.rows, rows_out=draft.rows("runs"))
    extra = {"categories": dict(sorted(categories.items())), "inherited": sum(part.inherited for part in scored)}
    return Staged(
        draft,
        {f"evidence/{draft.partition}": as_input(evidence.manifest)},
        refinery.settings.scoring_hash,
        counts,
        [same_keys(evidence, draft, "runs")],
        {**extra, "scorer_version": SCORER_VERSION},
    )


def _parents(refinery: Refinery, evidence: Dataset) -> dict[str, tuple[Category, ...]]:
    """Return the verdicts of verdict-bearing records, for the tasks of the day's extraction records."""
    by_class = {
        name: [s.name for s in refinery.settings.streams if s.config.stream_class is name] for name in StreamClass
    }
    heirs = _read(evidence, ["source", "task_id"])
    heirs = heirs.filter(pc.is_in(heirs["source"], pa.array(by_class[StreamClass.EXTRACTION], pa.string())))
    tasks = pc.unique(heirs["task_id"])
    if not len(tasks):
        return {}
    judges = [s for s in refinery.settings.streams if s.config.stream_class is StreamClass.VERDICT]
    parents: dict[str, list[Category]] = {}
    for path in evidence.paths("records"):
        rows = read_part(path, [*_needed(judges), "task_id", "source"])
        rows = rows.filter(pc.is_in(rows["task_id"], tasks))
        rows = rows.filter(pc.is_in(rows["source"], pa.array(by_class[StreamClass.VERDICT], pa.string())))
        for task, verdict in zip(rows["task_id"].to_pylist(), _verdicts(rows, judges, {}), strict=True):
            parents.setdefault(task, []).append(verdict.category)
    return {task: tuple(sorted(found)) for task, found in parents.items()}


def _read(evidence: Dataset, columns: list[str]) -> pa.Table:
    table = evidence.read("records", columns)
    return table if table is not None else pa.table({name: pa.array([], pa.string()) for name in columns})


def _score_part(task: _ScoreTask) -> _ScoredPart:
    """Return one part of the evidence, scored and written."""
    streams = [cached_stream(file) for file in task.streams]
    rows = read_part(task.evidence, sorted({*_KEPT, "validation", *_needed(streams)}))
    verdicts = list(_verdicts(rows, streams, task.parents))
    classes = {stream.name: stream.config.stream_class for stream in streams}
    hashes = {stream.name: stream.scoring_hash for stream in streams}
    sources = rows["source"].to_pylist()
    inherited = [classes[source] is StreamClass.EXTRACTION for source in sources]
    columns = {name: rows[name] for name in _KEPT} | {
        "category": pa.array([verdict.category for verdict in verdicts], pa.string()),
        "reasons": pa.array([verdict.reasons for verdict in verdicts], pa.list_(pa.string())),
        "inherited": pa.array(inherited, pa.bool_()),
        "scorer_version": pa.repeat(pa.scalar(SCORER_VERSION), len(sources)),
        "config_hash": pa.array([hashes[source] for source in sources], pa.string()),
        "sub_scores": rows["validation"],
    }
    table = pa.table([columns[name] for name in SCORED.names], schema=SCORED)
    written = Written(write_part(task.part, table, plain=_PLAIN), _row_hashes(table, verdicts))
    return _ScoredPart(written, Counter(verdict.category for verdict in verdicts), sum(inherited))


def _row_hashes(table: pa.Table, verdicts: Sequence[Verdict]) -> bytes:
    """Return the row hashes: the record and its verdict, without the stamps of who computed it."""
    rows = zip(table["evidence_id"].to_pylist(), verdicts, table["inherited"].to_pylist(), strict=True)
    return b"".join(
        hashlib.sha256(f"{found}\n{verdict.category}\n{verdict.reasons}\n{inherited}".encode()).digest()
        for found, verdict, inherited in rows
    )


_COUNTED = {"success_marker_count": "success_markers", "failure_marker_count": "failure_markers"}


def _needed(streams: Sequence[Stream]) -> set[str]:
    """Return the evidence columns that the streams' rules look at."""
    names = {name for stream in streams for rule in stream.rules for name in rule.when.names}
    return {_COUNTED.get(name, name.partition(".")[0]) for name in names}


def _verdicts(
    rows: pa.Table, streams: Sequence[Stream], parents: Mapping[str, tuple[Category, ...]]
) -> Iterator[Verdict]:
    judges = {s.name: judge_for(s) for s in streams if s.config.stream_class is not StreamClass.EXTRACTION}
    tasks = rows["task_id"].to_pylist()
    for index, (source, lookup) in enumerate(zip(rows["source"].to_pylist(), _lookups(rows), strict=True)):
        judge = judges.get(source)
        yield judge(lookup) if judge is not None else inherit(parents.get(tasks[index], ()))


def _lookups(rows: pa.Table) -> Iterator[Callable[[str], Any]]:
    """Yield, for every row, the function that finds the value of a name that rules may use; None where missing."""
    columns = {name: rows[name].to_pylist() for name in rows.column_names if name not in ("provenance", "timestamp")}
    for index in range(rows.num_rows):
        yield _lookup(columns, index)


def _lookup(columns: dict[str, list[Any]], index: int) -> Callable[[str], Any]:
    parsed: dict[str, dict[str, Any]] = {}

    def look(name: str) -> Any:
        column = columns.get(name)
        if column is not None:
            return column[index]
        if name in _COUNTED:
            return len(columns[_COUNTED[name]][index] or ())
        group, _, key = name.partition(".")
        if group not in parsed:
            text = columns[group][index]
            parsed[group] = orjson.loads(text) if text else {}
        return parsed[group].get(key)

    return look
