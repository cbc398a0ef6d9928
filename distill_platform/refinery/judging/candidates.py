"""Candidates: the few numbers per record that the gates need, for one day or a range of days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset
from distill_platform.refinery.screening.fold import text_key
from distill_platform.refinery.screening.kernels import BANDS
from distill_platform.refinery.stage import same_rows
from distill_platform.refinery.streams import Category
from distill_platform.store.lake import Dataset
from distill_platform.store.lake.parts import read_part

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Keys = np.ndarray[tuple[int], np.dtype[np.uint64]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
_EMPTY = int.from_bytes(text_key("")[:8], "little")


@dataclass(frozen=True)
class PartTriple:
    """One cut of a day: evidence, verdicts and screening of the same rows in the same order."""

    evidence: Path
    scored: Path
    screened: Path
    first: int
    rows: int


@dataclass(frozen=True)
class Candidates:
    """All records under judgement, in the order of their parts; every array has one entry per record.

    `order` lists the records best first: in training (a copy of it in validation would be leakage), favourable
    category, own verdict before inherited, earlier, smaller id.
    """

    parts: tuple[PartTriple, ...]
    ids: pa.Array
    task: Ints
    run: Ints
    category: Ints
    inherited: Mask
    prompt: Keys
    answer: Keys
    has_prompt: Mask
    has_text: Mask
    from_trace: Mask
    has_provenance: Mask
    has_run: Mask
    invents_paths: Mask
    secrets: Mask
    bands: np.ndarray[tuple[int, int], np.dtype[np.uint64]]
    characters: Ints
    words: Ints
    eval_hits: Ints
    eval_containment: np.ndarray[tuple[int], np.dtype[np.float64]]
    validation: Mask
    order: Ints

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.task)

    def texts(self, rows: Ints) -> Iterator[tuple[Ints, pa.StringArray]]:
        """Yield the texts of the given records (ascending), part by part, with the records they belong to."""
        for part in self.parts:
            low, high = np.searchsorted(rows, [part.first, part.first + part.rows])
            if high > low:
                chosen = rows[low:high]
                column = read_part(part.evidence, ["text"])["text"]
                yield chosen, column.take(pa.array(chosen - part.first)).combine_chunks()


@dataclass(frozen=True)
class RangeRules:
    """What loading needs to know: which streams bear verdicts, and how many tasks go to validation."""

    verdict_streams: tuple[str, ...]
    validation_fraction: float


def load_candidates(days: Sequence[tuple[Dataset, Dataset, Dataset]], rules: RangeRules) -> Candidates:
    """Return the candidates of some days, given each day's evidence, scored runs and screened texts."""
    parts, tables = [], []
    first = 0
    for evidence, scored, screened in days:
        for part in _triples(evidence, scored, screened, first):
            parts.append(part)
            tables.append(_columns(part))
            first += part.rows
    table = pa.concat_tables(tables).combine_chunks() if tables else _columns_schema().empty_table()
    return _candidates(tuple(parts), table, rules)


def _triples(evidence: Dataset, scored: Dataset, screened: Dataset, first: int) -> Iterator[PartTriple]:
    tables = (evidence.manifest.tables["records"], scored.manifest.tables["runs"], screened.manifest.tables["texts"])
    same_rows(tables[0].parts, tables[1].parts, f"evidence and scored_runs of {evidence.manifest.partition}")
    same_rows(tables[0].parts, tables[2].parts, f"evidence and screened_texts of {evidence.manifest.partition}")
    paths = zip(evidence.paths("records"), scored.paths("runs"), screened.paths("texts"), strict=True)
    for part, (left, middle, right) in zip(tables[0].parts, paths, strict=True):
        yield PartTriple(left, middle, right, first, part.rows)
        first += part.rows


_EVIDENCE_COLUMNS = ["evidence_id", "prompt_source", "prompt_chars", "text_chars"]
_SCORED_COLUMNS = ["run_id", "task_id", "source", "timestamp", "category", "inherited", "provenance"]
_SCREENED_COLUMNS = [
    "prompt_key", "answer_key", "bands", "words", "secrets", "invented_paths", "eval_prompt_hits", "eval_containment",
]  # fmt: skip


def _columns(part: PartTriple) -> pa.Table:
    evidence = read_part(part.evidence, _EVIDENCE_COLUMNS)
    scored = read_part(part.scored, ["evidence_id", *_SCORED_COLUMNS])
    screened = read_part(part.screened, ["evidence_id", *_SCREENED_COLUMNS])
    for other in (scored, screened):
        if not other["evidence_id"].equals(evidence["evidence_id"]):
            hint = "Materialize scored_runs and screened_texts again"
            raise CorruptDataset(f"{part.evidence} and the tables made from it hold different records", hint=hint)
    raw, sig = (pc.struct_field(scored["provenance"], name) for name in ("raw_sha256", "sig_hash"))
    proven = pc.and_(pc.equal(pc.utf8_length(raw), 64), pc.fill_null(pc.equal(pc.utf8_length(sig), 64), False))
    return pa.table(
        {
            "id": evidence["evidence_id"],
            "task_id": scored["task_id"],
            "run_id": scored["run_id"],
            "source": scored["source"],
            "timestamp": pc.cast(scored["timestamp"], pa.int64()),
            "category": pc.index_in(scored["category"], pa.array(list(Category), pa.string())),
            "inherited": scored["inherited"],
            "proven": proven,
            "from_trace": pc.fill_null(pc.equal(evidence["prompt_source"], "trace"), False),
            "characters": pc.add(evidence["prompt_chars"], evidence["text_chars"]),
            "has_prompt": pc.greater(evidence["prompt_chars"], 0),
            "has_text": pc.greater(evidence["text_chars"], 0),
            "secret": pc.greater(pc.list_value_length(screened["secrets"]), 0),
            "invents": pc.greater(pc.list_value_length(screened["invented_paths"]), 0),
            **{name: screened[name] for name in ("prompt_key", "answer_key", "bands", "words")},
            **{name: screened[name] for name in ("eval_prompt_hits", "eval_containment")},
        }
    )


def _columns_schema() -> pa.Schema:
    kinds: dict[str, Any] = {"id": pa.string(), "task_id": pa.string(), "run_id": pa.string(), "source": pa.string()}
    kinds |= dict.fromkeys(("timestamp", "category", "characters", "words", "eval_prompt_hits"), pa.int64())
    kinds |= dict.fromkeys(
        ("inherited", "proven", "from_trace", "has_prompt", "has_text", "secret", "invents"), pa.bool_()
    )
    kinds |= {"prompt_key": pa.binary(16), "answer_key": pa.binary(16), "bands": pa.binary(8 * BANDS)}
    return pa.schema({**kinds, "eval_containment": pa.float64()})


def _candidates(parts: tuple[PartTriple, ...], table: pa.Table, rules: RangeRules) -> Candidates:
    ids = table["id"].combine_chunks()
    smallest_first = np.array([int(value[:16], 16) for value in ids.to_pylist()], np.uint64)
    tasks = table["task_id"].combine_chunks().dictionary_encode()
    task = _ints(tasks.indices)
    inherited = _bools(table["inherited"])
    bearing = _bools(pc.is_in(table["source"], pa.array(rules.verdict_streams, pa.string())))
    category = _inherited(task, _ints(table["category"]), inherited, bearing)
    prompt, answer = _keys(table["prompt_key"]), _keys(table["answer_key"])
    validation = _validation(tasks, rules.validation_fraction)
    order = np.lexsort((smallest_first, _ints(table["timestamp"]), inherited, category, validation))
    return Candidates(
        parts=parts,
        ids=ids,
        task=task,
        run=_ints(table["run_id"].combine_chunks().dictionary_encode().indices),
        category=category,
        inherited=inherited,
        prompt=prompt,
        answer=answer,
        has_prompt=_bools(table["has_prompt"]) & (prompt != _EMPTY),
        has_text=_bools(table["has_text"]) & (answer != _EMPTY),
        from_trace=_bools(table["from_trace"]),
        has_provenance=_bools(table["proven"]),
        has_run=_bools(pc.greater(pc.utf8_length(table["run_id"]), 0)),
        invents_paths=_bools(table["invents"]),
        secrets=_bools(table["secret"]),
        bands=_buffer(table["bands"], np.uint64).reshape(len(table), BANDS),
        characters=_ints(table["characters"]),
        words=_ints(table["words"]),
        eval_hits=_ints(table["eval_prompt_hits"]),
        eval_containment=table["eval_containment"].to_numpy(),
        validation=validation,
        order=order.astype(np.int64),
    )


def _inherited(tasks: Ints, category: Ints, heirs: Mask, verdict_bearing: Mask) -> Ints:
    """Return the categories with inherited ones taken anew from the verdict-bearing records of the whole range.

    Within one day this gives what scoring gave; over a range a parent may lie on another day, and the least
    favourable verdict on the task counts.
    """
    worst = np.full(int(tasks.max(initial=-1)) + 1, -1, np.int64)
    np.maximum.at(worst, tasks[verdict_bearing], category[verdict_bearing])
    worst[worst < 0] = Category.NEEDS_HUMAN_REVIEW.rank
    return np.where(heirs, worst[tasks], category)


def _validation(tasks: pa.DictionaryArray, fraction: float) -> Mask:
    """Return which records belong to the validation split: decided by a hash of the task, never by row."""
    names = tasks.dictionary.to_pylist()
    share = [int(canon.sha256_hex(f"split\n{name}".encode())[:8], 16) / 2**32 for name in names]
    chosen = np.array(share) < fraction if names else np.zeros(0, bool)
    return chosen[tasks.indices.to_numpy(zero_copy_only=False)] if names else np.zeros(0, bool)


def _buffer(column: pa.ChunkedArray, kind: Any) -> Any:
    array = column.combine_chunks()
    width = array.type.byte_width
    data = array.buffers()[1]
    start = array.offset * width
    return np.frombuffer(data, np.uint8)[start : start + len(array) * width].view(kind) if data else np.empty(0, kind)


def _keys(column: pa.ChunkedArray) -> Keys:
    """Return the first 8 of a 16-byte key per record: groups of millions still have no chance collisions."""
    keys: Keys = _buffer(column, np.uint64).reshape(-1, 2)[:, 0]
    return keys


def _ints(column: Any) -> Ints:
    values: Ints = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    return values.astype(np.int64)


def _bools(column: pa.ChunkedArray) -> Mask:
    values: Mask = column.to_numpy().astype(bool)
    return values
