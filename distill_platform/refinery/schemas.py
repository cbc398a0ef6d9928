"""Every table of the refinery, declared once: storage, checks, docs and the user interface derive from here."""

from __future__ import annotations

import pyarrow as pa

from distill_platform.refinery.screening.kernels import BANDS

KEY = pa.binary(16)

PROVENANCE = pa.struct(
    [
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("line_offset", pa.int64(), nullable=False),
        pa.field("raw_sha256", pa.string(), nullable=False),
        pa.field("sig_hash", pa.string(), nullable=True),
        pa.field("canon", pa.string(), nullable=False),
    ]
)
MESSAGES = pa.list_(
    pa.struct([pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)])
)
STRINGS = pa.list_(pa.string())


def _column(name: str, kind: pa.DataType, description: str, *, required: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"description": description})


_PROVENANCE = _column("provenance", PROVENANCE, "the source line this row comes from, and its hashes")
_TASK = _column("task_id", pa.string(), "the task this row answers; splits and pairs go by it")
_SOURCE_RUN = _column("source_run_id", pa.string(), "run_id of the record this row was made from")
_EVIDENCE = _column("evidence_id", pa.string(), "the evidence record behind this row")
_SPLIT = _column("split", pa.string(), "train or validation, decided by task")
_PROMPT_SOURCE = _column("prompt_source", pa.string(), "trace or template")

EVIDENCE = pa.schema(
    [
        _column("evidence_id", pa.string(), "SHA-256 of the record's content and its source row's sig_hash"),
        _column("schema_version", pa.int32(), "version of this schema"),
        _column("run_id", pa.string(), "the run that produced the record"),
        _column("task_id", pa.string(), "the task the run worked on"),
        _column("source", pa.string(), "the stream the record comes from"),
        _column("timestamp", pa.timestamp("us", tz="UTC"), "when it happened, UTC"),
        _column("model_role", pa.string(), "who wrote the text: executor, reviewer, extractor, ..."),
        _column("model_name", pa.string(), "the model, where the trace names it", required=False),
        _column("prompt", pa.string(), "what was asked", required=False),
        _column("prompt_source", pa.string(), "trace, or template where the stream's template made it", required=False),
        _column("text", pa.string(), "what was answered", required=False),
        _column("messages", MESSAGES, "the whole conversation, where the trace holds one", required=False),
        _column("observer_verdict", pa.string(), "the verdict of an observer, as traced", required=False),
        _column("success_markers", STRINGS, "what spoke for the run", required=False),
        _column("failure_markers", STRINGS, "what spoke against the run", required=False),
        _column("validation", pa.string(), "declared validation numbers, canonical JSON", required=False),
        _column("metadata", pa.string(), "declared fields of the stream, canonical JSON", required=False),
        _column("prompt_tokens", pa.float64(), "tokens", required=False),
        _column("completion_tokens", pa.float64(), "tokens", required=False),
        _column("latency_ms", pa.float64(), "milliseconds", required=False),
        _column("cost_usd", pa.float64(), "US dollars", required=False),
        _column("prompt_chars", pa.int32(), "length of the prompt in characters, 0 when missing"),
        _column("text_chars", pa.int32(), "length of the text in characters, 0 when missing"),
        _column("title", pa.string(), "title for retrieval"),
        _column("tags", STRINGS, "tags for retrieval"),
        _PROVENANCE,
    ]
)

QUARANTINE = pa.schema(
    [
        _column("stage", pa.string(), "the stage that dropped the row"),
        _column("disposition", pa.string(), "quarantined, skipped or deduplicated"),
        _column("reason", pa.string(), "why, from the fixed list"),
        _column("detail", pa.string(), "what exactly; never the value of a secret"),
        _column("row", pa.binary(), "the source line; only its head where it is oversized", required=False),
        _column("evidence_id", pa.string(), "the evidence record, where there is one", required=False),
        _column("run_id", pa.string(), "the scored run, from here to inherited", required=False),
        _column("task_id", pa.string(), "its task", required=False),
        _column("source", pa.string(), "its stream", required=False),
        _column("category", pa.string(), "its verdict", required=False),
        _column("reasons", STRINGS, "the verdict's reasons", required=False),
        _column("inherited", pa.bool_(), "whether the verdict is inherited", required=False),
        _PROVENANCE,
    ]
)

SCORED = pa.schema(
    [
        _EVIDENCE,
        _column("run_id", pa.string(), "the run that produced the record"),
        _column("task_id", pa.string(), "the task the run worked on"),
        _column("source", pa.string(), "the stream the record comes from"),
        _column("timestamp", pa.timestamp("us", tz="UTC"), "when it happened, UTC"),
        _column("category", pa.string(), "accepted, partially_accepted, needs_human_review or rejected"),
        _column("reasons", STRINGS, "at least one reason for the category"),
        _column("inherited", pa.bool_(), "whether the verdict is that of the task's verdict-bearing record"),
        _column("scorer_version", pa.string(), "version of the scorer"),
        _column("config_hash", pa.string(), "hash of the stream's rules"),
        _column("sub_scores", pa.string(), "numbers the verdict looked at, canonical JSON", required=False),
        _PROVENANCE,
    ]
)

SCREENED = pa.schema(
    [
        _EVIDENCE,
        _column("secrets", STRINGS, "names of the secret patterns found; never their values"),
        _column("invented_paths", STRINGS, "files the text cites that are not among the record's known_paths"),
        _column("pii", pa.string(), "what was redacted, by kind, canonical JSON", required=False),
        _column("redacted_prompt", pa.string(), "the prompt without personal data, where that differs", required=False),
        _column("redacted_text", pa.string(), "the text without personal data, where that differs", required=False),
        _column("prompt_key", KEY, "key of the folded, redacted prompt"),
        _column("answer_key", KEY, "key of the folded, redacted text"),
        _column("bands", pa.binary(8 * BANDS), "MinHash band keys of the text"),
        _column("words", pa.int32(), "words in the text"),
        _column("eval_prompt_hits", pa.int32(), "n-grams shared with prompts of evaluation sets"),
        _column("eval_containment", pa.float64(), "largest share of an evaluation answer's n-grams found here"),
        _column("eval_item", pa.string(), "the evaluation item hit hardest, as set:line", required=False),
    ]
)

RAG = pa.schema(
    [
        _column("id", pa.string(), "SHA-256 of the sample's content"),
        _column("title", pa.string(), "title"),
        _column("text", pa.string(), "the document"),
        _column("tags", STRINGS, "tags"),
        _column("success_score", pa.string(), "accepted, partially_accepted; needs_human_review only when opted in"),
        _column("source_category", pa.string(), "the stream the document comes from"),
        _TASK,
        _SOURCE_RUN,
        _EVIDENCE,
        _SPLIT,
        _PROVENANCE,
    ]
)

SFT = pa.schema(
    [
        _column("id", pa.string(), "SHA-256 of the sample's content"),
        _column("prompt", MESSAGES, "what the model sees"),
        _column("completion", MESSAGES, "what the model learns to answer"),
        _PROMPT_SOURCE,
        _column("quality_score", pa.string(), "accepted; partially_accepted only when opted in"),
        _TASK,
        _SOURCE_RUN,
        _EVIDENCE,
        _SPLIT,
        _PROVENANCE,
    ]
)

PREFERENCE = pa.schema(
    [
        _column("id", pa.string(), "SHA-256 of the sample's content"),
        _column("prompt", MESSAGES, "what both answers reply to"),
        _column("chosen", MESSAGES, "the better answer"),
        _column("rejected", MESSAGES, "the worse answer"),
        _column("reason", pa.string(), "the two categories, as better_over_worse"),
        _column("pair_similarity", pa.float64(), "Jaccard similarity of the two answers' words, 0 to 1"),
        _column("length_ratio", pa.float64(), "characters of chosen divided by characters of rejected"),
        _PROMPT_SOURCE,
        _TASK,
        _column("chosen_run_id", pa.string(), "run_id of the better answer"),
        _column("rejected_run_id", pa.string(), "run_id of the worse answer"),
        _column("chosen_evidence_id", pa.string(), "evidence record of the better answer"),
        _column("rejected_evidence_id", pa.string(), "evidence record of the worse answer"),
        _SPLIT,
        _column("chosen_provenance", PROVENANCE, "source line of the better answer"),
        _column("rejected_provenance", PROVENANCE, "source line of the worse answer"),
    ]
)

KTO = pa.schema(
    [
        _column("id", pa.string(), "SHA-256 of the sample's content"),
        _column("prompt", MESSAGES, "what the model sees"),
        _column("completion", MESSAGES, "the answer that was judged"),
        _column("label", pa.bool_(), "true: accepted; false: rejected"),
        _PROMPT_SOURCE,
        _TASK,
        _SOURCE_RUN,
        _EVIDENCE,
        _SPLIT,
        _PROVENANCE,
    ]
)

CORPORA: dict[str, pa.Schema] = {
    "rag_corpus": RAG,
    "sft_corpus": SFT,
    "preference_corpus": PREFERENCE,
    "kto_corpus": KTO,
}

TABLES: dict[str, dict[str, pa.Schema]] = {
    "evidence": {"records": EVIDENCE, "quarantine": QUARANTINE},
    "scored_runs": {"runs": SCORED},
    "screened_texts": {"texts": SCREENED},
    **{name: {"samples": schema, "quarantine": QUARANTINE} for name, schema in CORPORA.items()},
}


def provenance_array(files: pa.Array, lines: pa.Array, raw: pa.Array, sig: pa.Array, canon_name: str) -> pa.StructArray:
    """Return a provenance column from its parts."""
    names = pa.repeat(pa.scalar(canon_name), len(files))
    return pa.StructArray.from_arrays([files, lines, raw, sig, names], fields=list(PROVENANCE))
