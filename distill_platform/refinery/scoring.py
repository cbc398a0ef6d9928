"""Scoring: every evidence record gets one verdict from its stream's rules. Deterministic, no model calls.

The first rule that holds decides. A rule over a missing value is unknown and never holds; and where an unknown rule
would have given a less favourable category than the one that held, nobody can say, so a person has to look.
Extraction records have no rules: they inherit the least favourable verdict among the verdict-bearing records of
their task, marked as inherited.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core.expression import Expression, Verdict as Truth
from distill_platform.refinery.encoded import Encoded
from distill_platform.refinery.schemas import SCORED
from distill_platform.refinery.settings import SCORER_VERSION
from distill_platform.refinery.stage import Refinery, open_input, publish_days, same_keys
from distill_platform.refinery.streams import Category, Stream, StreamClass, cached_stream
from distill_platform.store.lake import Counts, Dataset, Draft, Manifest
from distill_platform.store.lake.parts import read_part, write_part
from distill_platform.store.lake.publishing import Staged, Written, add_table, as_input, joined

_KEPT = ("evidence_id", "run_id", "task_id", "source", "timestamp", "provenance")
_PLAIN = ("evidence_id", "run_id", "provenance.line_offset", "provenance.raw_sha256", "provenance.sig_hash")


class Verdict(NamedTuple):
    """A category and why."""

    category: Category
    reasons: tuple[str, ...]


Judge = Callable[[Callable[[str], Any]], Verdict]


def judge_for(stream: Stream) -> Judge:
    """Return the function that gives a record of this stream its verdict; it takes a look-up of the record's names."""
    return lambda lookup: _conclude(stream, (rule.when.evaluate(lookup) for rule in stream.rules))


def _conclude(stream: Stream, truths: Iterable[Truth]) -> Verdict:
    """Return what follows from what the stream's rules say, in their order."""
    unknown: list[tuple[Category, str]] = []
    for rule, truth in zip(stream.rules, truths, strict=True):
        if truth is Truth.TRUE:
            worse = [why for could_be, why in unknown if could_be.rank > rule.category.rank]
            if worse:
                return Verdict(Category.NEEDS_HUMAN_REVIEW, tuple(f"unknown:{why}" for why in worse))
            return Verdict(rule.category, (rule.reason,))
        if truth is Truth.UNKNOWN:
            unknown.append((rule.category, rule.reason))
    otherwise = stream.config.otherwise
    assert otherwise is not None
    return Verdict(otherwise.category, (otherwise.reason,))


def inherit(verdicts: Sequence[Category]) -> Verdict:
    """Return what an extraction record inherits from its task's verdict-bearing records: the least favourable."""
    if not verdicts:
        return Verdict(Category.NEEDS_HUMAN_REVIEW, ("no_verdict_for_task",))
    worst = max(verdicts, key=lambda category: category.rank)
    return Verdict(worst, (f"inherited_{worst}",))


def score_runs(refinery: Refinery, days: Sequence[str]) -> list[Manifest]:
    """Return the published manifests of the scored runs of `days`, one run per evidence record, in its order."""
    return publish_days(refinery, ["scored_runs"], days, _stage)


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


def _stage(refinery: Refinery, drafts: Sequence[Draft]) -> list[Staged]:
    (draft,) = drafts
    evidence = open_input(refinery, "evidence", draft.partition)
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
    staged = Staged(
        draft,
        {f"evidence/{draft.partition}": as_input(evidence.manifest)},
        refinery.settings.scoring_hash,
        counts,
        [same_keys(evidence, draft, "runs")],
        {**extra, "scorer_version": SCORER_VERSION},
    )
    return [staged]


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
        for task, verdict in zip(rows["task_id"].to_pylist(), verdicts_of(rows, judges, {}).decoded(), strict=True):
            parents.setdefault(task, []).append(verdict.category)
    return {task: tuple(sorted(found)) for task, found in parents.items()}


def _read(evidence: Dataset, columns: list[str]) -> pa.Table:
    table = evidence.read("records", columns)
    return table if table is not None else pa.table({name: pa.array([], pa.string()) for name in columns})


def _score_part(task: _ScoreTask) -> _ScoredPart:
    """Return one part of the evidence, scored and written."""
    streams = [cached_stream(file) for file in task.streams]
    rows = read_part(task.evidence, sorted({*_KEPT, "validation", *_needed(streams)}))
    verdicts = verdicts_of(rows, streams, task.parents)
    sources = Encoded.of(rows["source"])
    classes = {stream.name: stream.config.stream_class for stream in streams}
    hashes = {stream.name: stream.scoring_hash for stream in streams}
    inherited = sources.mapped(lambda source: classes[source] is StreamClass.EXTRACTION)
    categories = verdicts.mapped(lambda verdict: verdict.category)
    columns = {name: rows[name] for name in _KEPT} | {
        "category": categories.array(pa.string()),
        "reasons": verdicts.mapped(lambda verdict: verdict.reasons).array(pa.list_(pa.string())),
        "inherited": inherited.array(pa.bool_()),
        "scorer_version": pa.repeat(pa.scalar(SCORER_VERSION), rows.num_rows),
        "config_hash": sources.mapped(hashes.__getitem__).array(pa.string()),
        "sub_scores": rows["validation"],
    }
    table = pa.table([columns[name] for name in SCORED.names], schema=SCORED)
    written = Written(write_part(task.part, table, plain=_PLAIN), _row_hashes(table))
    return _ScoredPart(written, Counter(map(str, categories.decoded())), sum(inherited.decoded()))


def _row_hashes(table: pa.Table) -> bytes:
    """Return what the content hash covers, row by row: the record and its verdict, not who computed it when."""
    reasons = pc.binary_join(table["reasons"], ",")
    inherited = pc.cast(table["inherited"], pa.string())
    return joined(table["evidence_id"], table["category"], reasons, inherited)


_COUNTED = {"success_marker_count": "success_markers", "failure_marker_count": "failure_markers"}
_GROUPS = ("validation", "metadata")


def _needed(streams: Sequence[Stream]) -> set[str]:
    """Return the evidence columns that the streams' rules look at."""
    names = {name for stream in streams for rule in stream.rules for name in rule.when.names}
    return {_COUNTED.get(name, name.partition(".")[0]) for name in names}


def verdicts_of(
    rows: pa.Table, streams: Sequence[Stream], parents: Mapping[str, tuple[Category, ...]]
) -> Encoded[Verdict]:
    """Return the verdict of every row, stream by stream."""
    numbers = np.zeros(rows.num_rows, np.int64)
    verdicts = [inherit(())]
    for stream in streams:
        places = np.flatnonzero(pc.equal(rows["source"], stream.name).to_numpy())
        if len(places):
            own = rows.select(sorted({"task_id", *_needed([stream])})).take(pa.array(places))
            found = _of_stream(own, stream, parents)
            numbers[places] = found.numbers + len(verdicts)
            verdicts += found.values
    return Encoded(numbers, verdicts)


def _of_stream(rows: pa.Table, stream: Stream, parents: Mapping[str, tuple[Category, ...]]) -> Encoded[Verdict]:
    """Return the verdicts of a stream's rows; the rules are asked once for all rows that look the same to them."""
    if stream.config.stream_class is StreamClass.EXTRACTION:
        return Encoded.of(rows["task_id"]).mapped(lambda task: inherit(parents.get(task, ())))
    columns = _columns(rows, stream)
    truths = [_asked(rule.when, columns) for rule in stream.rules]
    numbers, firsts = _combinations([truth.numbers for truth in truths])
    said = zip(*([truth.values[number] for number in truth.numbers[firsts]] for truth in truths), strict=True)
    return Encoded(numbers, [_conclude(stream, answers) for answers in said])


def _asked(rule: Expression, columns: Mapping[str, Encoded[Any]]) -> Encoded[Truth]:
    """Return what a rule says of each row, asked once for each combination of the values that it looks at."""
    looked_at = {name: columns[name] for name in rule.names}
    numbers, firsts = _combinations([column.numbers for column in looked_at.values()])
    values = {
        name: [column.values[number] for number in column.numbers[firsts].tolist()]
        for name, column in looked_at.items()
    }
    order = list(Truth)
    return Encoded(np.array([order.index(truth) for truth in rule.evaluate_columns(values)])[numbers], order)


def _combinations(columns: Sequence[npt.NDArray[np.int64]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each row the number of its combination of numbers, and for each combination a row that has it."""
    numbers = columns[0]
    for column in columns[1:]:
        _, numbers = np.unique(numbers, return_inverse=True)  # fewer than rows, or the product would overflow
        numbers = numbers * (column.max(initial=0) + 1) + column
    _, firsts, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    return numbers, firsts


def _columns(rows: pa.Table, stream: Stream) -> dict[str, Encoded[Any]]:
    """Return the column of each name that the stream's rules use; None for what is missing."""
    sources = {name: _COUNTED.get(name, name.partition(".")[0]) for rule in stream.rules for name in rule.when.names}
    groups = {source: Encoded.of(_plain(rows[source])) for source in set(sources.values())}
    parsed = {
        group: groups[group].mapped(lambda text: orjson.loads(text) if text else {})
        for group in _GROUPS
        if group in groups
    }
    return {
        name: parsed[source].mapped(operator.methodcaller("get", name.partition(".")[2]))
        if source in parsed
        else groups[source]
        for name, source in sources.items()
    }


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column, or the lengths of its lists."""
    return pc.fill_null(pc.list_value_length(column), 0) if pa.types.is_list(column.type) else column


def lookups(rows: pa.Table, stream: Stream) -> Iterator[Callable[[str], Any]]:
    """Yield, for every row of a stream, the function that finds the value of a name its rules use; None if missing."""
    columns = _columns(rows, stream)
    for values in zip(*(column.decoded() for column in columns.values()), strict=True):
        yield dict(zip(columns, values, strict=True)).get
