"""Samples: tables of corpus rows made from evidence rows, every id a hash of the row's content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core import canon
from distill_platform.refinery.corpora.corpus import Redacted, prompts, said
from distill_platform.refinery.judging.candidates import Ints, Mask
from distill_platform.refinery.schemas import CORPORA, PREFERENCE
from distill_platform.refinery.screening import kernels
from distill_platform.refinery.screening.pii import redact
from distill_platform.refinery.streams import Category
from distill_platform.store.lake import read_part

_NAMES = np.array([str(category) for category in Category], dtype=object)


def sample_table(corpus: str, source: Redacted, category: Any, validation: Mask, *, pii: bool) -> pa.Table:
    """Return the rows of a RAG, SFT or KTO corpus for evidence rows with the given category codes and splits."""
    makers = {"rag_corpus": _rag, "sft_corpus": _sft, "kto_corpus": _kto}
    rows = source.rows
    columns = makers[corpus](source, category, pii) | {
        "task_id": rows["task_id"],
        "source_run_id": rows["run_id"],
        "evidence_id": rows["evidence_id"],
        "split": splits(validation),
        "provenance": rows["provenance"],
    }
    schema = CORPORA[corpus]
    return pa.table([columns[name] for name in schema.names], schema=schema)


def splits(validation: Mask) -> pa.Array:
    """Return the names of the splits."""
    return pc.if_else(pa.array(validation), pa.scalar("validation"), pa.scalar("train"))


def _scores(category: Any) -> pa.Array:
    return pa.array(_NAMES[category], pa.string())


def _rag(source: Redacted, category: Any, pii: bool) -> dict[str, Any]:
    rows, scores = source.rows, _scores(category)
    titles = rows["title"].to_pylist()
    if pii:
        titles = [title if found is None else found[0] for title, found in zip(titles, redact(titles), strict=True)]
    title = pa.array(titles, pa.string())
    return {
        "id": ids("rag", rows, (title, text_hashes(source.answer), rows["tags"], scores, rows["source"])),
        "title": title,
        "text": source.answer,
        "tags": rows["tags"],
        "success_score": scores,
        "source_category": rows["source"],
    }


def _sft(source: Redacted, category: Any, pii: bool) -> dict[str, Any]:
    rows, scores, prompt = source.rows, _scores(category), prompts(source, pii)
    return {
        "id": ids("sft", rows, (text_hashes(source.prompt), text_hashes(source.answer), scores)),
        "prompt": prompt,
        "completion": said("assistant", source.answer),
        "prompt_source": rows["prompt_source"],
        "quality_score": scores,
    }


def _kto(source: Redacted, category: Any, pii: bool) -> dict[str, Any]:
    rows, prompt = source.rows, prompts(source, pii)
    label = pa.array(category == Category.ACCEPTED.rank)
    return {
        "id": ids("kto", rows, (text_hashes(source.prompt), text_hashes(source.answer), label)),
        "prompt": prompt,
        "completion": said("assistant", source.answer),
        "label": label,
        "prompt_source": rows["prompt_source"],
    }


def preference_table(
    source: Redacted, places: tuple[Ints, Ints], categories: tuple[Any, Any], validation: Mask, *, pii: bool
) -> pa.Table:
    """Return the rows of the preference corpus: pair by pair the places of the better and the worse evidence row."""
    chosen, rejected = (source.take(side) for side in places)
    left, right = chosen.rows, rejected.rows
    reason = [f"{a}_over_{b}" for a, b in zip(_NAMES[categories[0]], _NAMES[categories[1]], strict=True)]
    better, worse = (pc.utf8_length(said.answer).to_numpy() for said in (chosen, rejected))
    texts = [text_hashes(said) for said in (chosen.prompt, chosen.answer, rejected.answer)]
    columns = {
        "id": ids("preference", left, (*texts, right["evidence_id"])),
        "prompt": prompts(chosen, pii),
        "chosen": said("assistant", chosen.answer),
        "rejected": said("assistant", rejected.answer),
        "reason": reason,
        "pair_similarity": similarities(source.answer, *places),
        "length_ratio": better / np.maximum(worse, 1),
        "prompt_source": left["prompt_source"],
        "task_id": left["task_id"],
        "chosen_run_id": left["run_id"],
        "rejected_run_id": right["run_id"],
        "chosen_evidence_id": left["evidence_id"],
        "rejected_evidence_id": right["evidence_id"],
        "split": splits(validation),
        "chosen_provenance": left["provenance"],
        "rejected_provenance": right["provenance"],
    }
    return pa.table([columns[name] for name in PREFERENCE.names], schema=PREFERENCE)


def similarities(texts: pa.StringArray, left: Ints, right: Ints) -> Any:
    """Return the Jaccard similarity of the word sets of texts left[i] and right[i], 0 to 1; 1 for two empty texts."""
    return kernels.similarities(*kernels.shingle_texts(texts, 1), left, right)


def pair_statistics(written: Sequence[Path]) -> dict[str, float]:
    """Return how alike the two answers of the written pairs are, and how far the better ones are the longer ones."""
    tables = [read_part(path, ["pair_similarity", "length_ratio"]) for path in written]
    if not tables:
        return {}
    alike, ratios = (pa.concat_tables(tables)[name].to_numpy() for name in ("pair_similarity", "length_ratio"))
    numbers = {
        "similarity_mean": np.mean(alike),
        "similarity_median": np.median(alike),
        "length_ratio_median": np.median(ratios),
        "chosen_longer_share": np.mean(ratios > 1),
    }
    return {name: round(float(number), 6) for name, number in numbers.items()}


def ids(corpus: str, rows: pa.Table, content: Iterable[Any]) -> pa.Array:
    """Return the ids of samples: SHA-256 over the canonical form of what they say and which record says it.

    Texts stand in it by their own SHA-256 (`text_hashes`).
    """
    origin = (rows["task_id"], rows["run_id"], rows["evidence_id"])
    columns = [column if isinstance(column, list) else column.to_pylist() for column in (*origin, *content)]
    return pa.array([canon.sig_hash([corpus, row]) for row in zip(*columns, strict=True)], pa.string())


def text_hashes(texts: pa.Array) -> list[str]:
    """Return the SHA-256 hex of the UTF-8 of every text, none of which is null."""
    if not len(texts):
        return []
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].tolist()
    encoded = memoryview(data or b"")
    return [canon.sha256_hex(encoded[start:end]) for start, end in pairwise(bounds)]
