"""Screened texts: what the text gates found in every record, worked out once and read by all four corpora."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core import canon
from distill_platform.refinery.schemas import SCREENED
from distill_platform.refinery.screening.eval_sets import EvalSet
from distill_platform.refinery.screening.kernels import BANDS
from distill_platform.refinery.screening.screen import Screener, ScreeningConfig
from distill_platform.refinery.screening.secrets import find_secrets, may_hold_secrets
from distill_platform.refinery.screening.tokens import Items
from distill_platform.refinery.stage import Refinery, open_input, publish_days, same_keys
from distill_platform.store.lake import Counts, Draft, Manifest
from distill_platform.store.lake.parts import read_pieces, write_part
from distill_platform.store.lake.publishing import Staged, Written, add_table, as_input, joined

_PLAIN = ("evidence_id", "redacted_prompt", "redacted_text", "prompt_key", "answer_key", "bands")
_READ = ("evidence_id", "run_id", "task_id", "title", "prompt", "text", "metadata")
_CITED = re.compile(r"(?<![\w./-])(?:[\w.-]+/)+[\w.-]+\.[A-Za-z]\w{0,7}\b")
_STEPS = re.compile(r"(?:\.{0,2}/)*")
_KNOWN = '"known_paths":'
_ROWS_AT_ONCE = 1_024
_SPACE = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
WORDY = rf"[^{_SPACE}]+(?:[{_SPACE}]+[^{_SPACE}]+){{4}}"  # more than four words


def screen_texts(refinery: Refinery, days: Sequence[str]) -> list[Manifest]:
    """Return the published manifests of the screened texts of `days`, one row per evidence record, in its order."""
    return publish_days(refinery, ["screened_texts"], days, _stage)


@dataclass(frozen=True)
class _ScreenTask:
    evidence: Path
    part: Path
    config: ScreeningConfig
    eval_sets: tuple[EvalSet, ...]


@dataclass(frozen=True)
class _ScreenedPart:
    written: Written
    with_secrets: int
    with_pii: int


def screening_config(refinery: Refinery) -> ScreeningConfig:
    """Return the screener's parameters as the settings give them."""
    screening = refinery.settings.config.screening
    return ScreeningConfig(
        prompt_ngram=screening.prompt_ngram, answer_ngram=screening.answer_ngram, shingle=screening.shingle_words
    )


def _stage(refinery: Refinery, drafts: Sequence[Draft]) -> list[Staged]:
    (draft,) = drafts
    evidence = open_input(refinery, "evidence", draft.partition)
    config = screening_config(refinery)
    tasks = [
        _ScreenTask(path, draft.part_path("texts", number), config, refinery.settings.eval_sets)
        for number, path in enumerate(evidence.paths("records"))
    ]
    parts = list(refinery.workers.map(_screen_part, tasks))
    add_table(draft, "texts", [part.written for part in parts])
    staged = Staged(
        draft,
        {f"evidence/{draft.partition}": as_input(evidence.manifest)},
        refinery.settings.screening_hash,
        Counts(rows_in=evidence.manifest.tables["records"].rows, rows_out=draft.rows("texts")),
        [same_keys(evidence, draft, "texts")],
        {
            "with_secrets": sum(part.with_secrets for part in parts),
            "with_pii": sum(part.with_pii for part in parts),
            "eval_sets": [eval_set.name for eval_set in refinery.settings.eval_sets],
        },
    )
    return [staged]


@lru_cache(maxsize=2)
def _screener(config: ScreeningConfig, eval_sets: tuple[EvalSet, ...]) -> Screener:
    return Screener(config, eval_sets)


def _screen_part(task: _ScreenTask) -> _ScreenedPart:
    """Return one part of the evidence, screened and written."""
    screener = _screener(task.config, task.eval_sets)
    table = pa.Table.from_batches(
        [_screened(screener, piece) for piece in read_pieces(task.evidence, _READ, _ROWS_AT_ONCE)], SCREENED
    )
    hashes = _row_hashes(table)
    secrets = int(pc.sum(pc.greater(pc.list_value_length(table["secrets"]), 0)).as_py() or 0)
    pii = len(table) - table["pii"].null_count
    return _ScreenedPart(Written(write_part(task.part, table, plain=_PLAIN), hashes), secrets, pii)


def _screened(screener: Screener, rows: pa.RecordBatch) -> pa.RecordBatch:
    found = screener.screen(rows["prompt"], rows["text"])
    labels = _labels(screener, rows)
    columns: dict[str, Any] = {
        "evidence_id": rows["evidence_id"],
        "secrets": pa.array(map(_either, found.secrets, labels.secrets), pa.list_(pa.string())),
        "invented_paths": _invented(rows["metadata"], rows["text"]),
        "pii": [canon.dumps(kinds).decode() if kinds else None for kinds in found.pii],
        "redacted_prompt": found.redacted_prompts,
        "redacted_text": found.redacted_answers,
        "prompt_key": pa.array(found.prompt_keys, pa.binary(16)),
        "answer_key": pa.array(found.answer_keys, pa.binary(16)),
        "bands": _fixed(found.band_keys.astype("<u8").tobytes(), rows.num_rows, 8 * BANDS),
        "words": found.answer_tokens.astype(np.int32),
        "eval_prompt_hits": (found.prompt_hits + labels.prompt_hits).astype(np.int32),
        "eval_containment": np.maximum(found.answer_containment, labels.containment),
        "eval_item": [mine or theirs for mine, theirs in zip(found.eval_items, labels.eval_items, strict=True)],
    }
    arrays = [pa.array(columns[name], SCREENED.field(name).type) for name in SCREENED.names]
    return pa.RecordBatch.from_arrays(arrays, schema=SCREENED)


class _Labels(NamedTuple):
    """What is found in what leaves beside the texts, per record."""

    secrets: list[tuple[str, ...]]
    prompt_hits: Items
    containment: npt.NDArray[np.float64]
    eval_items: list[str | None]


def _labels(screener: Screener, rows: pa.RecordBatch) -> _Labels:
    """Return what is found in titles and ids: they may hold a token or, if long enough, quote a question."""
    labels = pc.binary_join_element_wise(*(rows[name] for name in ("title", "task_id", "run_id")), "\n")
    count = len(labels)
    found = _Labels(_secrets(labels), np.zeros(count, np.int32), np.zeros(count), [None] * count)
    wordy = np.flatnonzero(pc.match_substring_regex(labels, WORDY).to_numpy(zero_copy_only=False))
    if len(wordy):
        quoted = labels.take(pa.array(wordy))
        screened = screener.screen(pa.nulls(len(wordy), pa.string()), quoted)
        found.prompt_hits[wordy] = screened.prompt_hits
        found.containment[wordy] = screened.answer_containment
        for row, item in zip(wordy.tolist(), screened.eval_items, strict=True):
            found.eval_items[row] = item
    return found


def _secrets(labels: pa.StringArray) -> list[tuple[str, ...]]:
    """Return the secrets of each label, after one look at all of them together: nearly always there are none."""
    texts = labels.to_pylist()
    return find_secrets(texts) if may_hold_secrets("\n".join(texts)) else [()] * len(texts)


def _either(mine: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    return sorted({*mine, *theirs}) if theirs else list(mine)


def _fixed(data: bytes, count: int, width: int) -> pa.FixedSizeBinaryArray:
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, [None, pa.py_buffer(data)])


def _invented(metadata: pa.StringArray, texts: pa.StringArray) -> list[list[str]]:
    """Return, per record that declares `metadata.known_paths`, the files its text cites that are not among them."""
    invented: list[list[str]] = [[]] * len(texts)
    declares = pc.fill_null(pc.match_substring(metadata, _KNOWN), False).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(declares).tolist():
        known = orjson.loads(metadata[row].as_py())["known_paths"]
        invented[row] = invented_paths(texts[row].as_py() or "", [known] if isinstance(known, str) else known)
    return invented


def invented_paths(text: str, known: Sequence[str]) -> list[str]:
    """Return the file paths a text cites that are neither known paths nor the ends of known paths, sorted."""
    cited = {_STEPS.sub("", match, count=1) for match in _CITED.findall(text)}
    return sorted(path for path in cited if not any(f"/{whole}".endswith(f"/{path}") for whole in known))


def _row_hashes(table: pa.Table) -> bytes:
    """Return what the content hash covers, row by row: everything a record's screening decides."""
    numbers = [pc.cast(table[name], pa.string()) for name in ("words", "eval_prompt_hits", "eval_containment")]
    lists = [pc.binary_join(table[name], ",") for name in ("secrets", "invented_paths")]
    texts = [table[name] for name in ("evidence_id", "pii", "redacted_prompt", "redacted_text", "eval_item")]
    return joined(*texts, *lists, *numbers)
