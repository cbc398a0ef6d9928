"""The four corpora, declared: what each admits, and how its rows are made from evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.judging.candidates import Ints
from distill_platform.refinery.judging.gates import Admission
from distill_platform.refinery.quarantine import Reason
from distill_platform.refinery.schemas import MESSAGES
from distill_platform.refinery.screening.pii import redact
from distill_platform.refinery.settings import ExportSettings
from distill_platform.refinery.streams import Category

_A, _P, _H, _R = Category
SFT_NEVER = frozenset({_R, _H})


def rag_admission(exports: ExportSettings) -> Admission:
    """Return what the RAG corpus admits: texts that held up; records awaiting review only when opted in."""
    allowed = frozenset({_A, _P, _H} if exports.rag_include_review else {_A, _P})
    return Admission(
        frozenset(Category) - allowed, Reason.UNSAFE_RAG_CATEGORY, allowed, inherited=True, needs_prompt=False
    )


def sft_admission(exports: ExportSettings) -> Admission:
    """Return what the SFT corpus admits: own accepted verdicts; partially accepted ones only when opted in."""
    allowed = frozenset({_A, _P} if exports.sft_include_partial else {_A})
    return Admission(SFT_NEVER, Reason.UNSAFE_SFT_CATEGORY, allowed, inherited=False, needs_prompt=True)


def preference_admission(_: ExportSettings) -> Admission:
    """Return what may stand in a preference pair: records with a clear verdict of their own."""
    return Admission(frozenset({_H}), Reason.CATEGORY_DISALLOWED, frozenset({_A, _P, _R}), False, True)


def kto_admission(_: ExportSettings) -> Admission:
    """Return what the KTO corpus admits: records with a clear yes or no of their own."""
    return Admission(frozenset({_H, _P}), Reason.CATEGORY_DISALLOWED, frozenset({_A, _R}), False, True)


ADMISSIONS: Mapping[str, Callable[[ExportSettings], Admission]] = {
    "rag_corpus": rag_admission,
    "sft_corpus": sft_admission,
    "preference_corpus": preference_admission,
    "kto_corpus": kto_admission,
}


@dataclass(frozen=True)
class Redacted:
    """Records as they may leave: prompt and answer with personal data taken out, and the other evidence columns."""

    rows: pa.Table
    prompt: pa.Array
    answer: pa.Array

    def take(self, places: Ints) -> Redacted:
        """Return the records at the given places, in their order."""
        wanted = pa.array(places)
        return Redacted(self.rows.take(wanted).combine_chunks(), self.prompt.take(wanted), self.answer.take(wanted))


def joined(pieces: Sequence[Redacted]) -> Redacted:
    """Return the records of all pieces, in order."""
    prompt, answer = (pa.concat_arrays([getattr(piece, name) for piece in pieces]) for name in ("prompt", "answer"))
    return Redacted(pa.concat_tables([piece.rows for piece in pieces]).combine_chunks(), prompt, answer)


def redacted(evidence: pa.Table, screened: pa.Table, pii: bool) -> Redacted:
    """Return evidence rows with the redactions of their screening applied, unless the gate is off."""
    prompt, answer = (
        _safe(evidence[name].combine_chunks(), screened[f"redacted_{name}"].combine_chunks(), pii)
        for name in ("prompt", "text")
    )
    others = evidence.drop_columns(["prompt", "text"])
    return Redacted(_with_safe_titles(others, screened) if pii else others, prompt, answer)


def _with_safe_titles(evidence: pa.Table, screened: pa.Table) -> pa.Table:
    """Return evidence rows with their titles redacted where their texts were: a title's template may quote a text."""
    touched = pc.or_(*(pc.is_valid(screened[name]) for name in ("redacted_prompt", "redacted_text"))).to_numpy()
    titles = evidence["title"].to_pylist() if touched.any() else []
    for row in np.flatnonzero(touched).tolist() if titles else ():
        found = redact([titles[row]])[0]
        titles[row] = found[0] if found else titles[row]
    place = evidence.column_names.index("title")
    return evidence.set_column(place, evidence.schema.field(place), pa.array(titles)) if titles else evidence


def _safe(texts: pa.Array, replaced: pa.Array, pii: bool) -> pa.Array:
    """Return texts with replacements where there are any; texts are copied only where something changes."""
    if pii and replaced.null_count < len(replaced):
        texts = pc.coalesce(replaced, texts)
    return pc.fill_null(texts, "") if texts.null_count else texts


def said(role: str, texts: pa.Array) -> pa.ListArray:
    """Return one-message conversations in which `role` says each of `texts`."""
    roles = pa.repeat(pa.scalar(role), len(texts))
    message = pa.StructArray.from_arrays([roles, texts], fields=list(MESSAGES.value_type))
    return pa.ListArray.from_arrays(pa.array(np.arange(len(texts) + 1, dtype=np.int32)), message, type=MESSAGES)


def prompts(source: Redacted, pii: bool) -> pa.ListArray:
    """Return the prompt of every record as messages: the whole conversation before the answer where there is one."""
    plain = said("user", source.prompt)
    conversations = source.rows["messages"].combine_chunks()
    if conversations.null_count == len(conversations):
        return plain
    before: list[Any] = plain.to_pylist()
    for row, conversation in enumerate(conversations.to_pylist()):
        if conversation is not None and len(conversation) > 1:
            before[row] = [_without_pii(message) if pii else message for message in conversation[:-1]]
    return pa.array(before, MESSAGES)


def _without_pii(message: dict[str, str]) -> dict[str, str]:
    found = redact([message["content"]])[0]
    return {"role": message["role"], "content": found[0] if found else message["content"]}
