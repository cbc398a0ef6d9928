"""The contamination firewall: four layers, each of which alone keeps unfit records out of a corpus.

1. schema    what a row about to be written may say (`violations`)
2. exporter  which records may become rows at all (`judging.gates`, by a corpus' Admission)
3. re-read   the written files, held against the verdicts and the screening on disk (`reread`)
4. reader    whoever reads a corpus refuses one whose verdict is not a pass (`Lake.open`, `release.load_release`)

The layers share no decision: each looks at the rows and the verdicts itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.schemas import CORPORA, PROVENANCE, SCORED
from distill_platform.refinery.settings import ExportSettings, GateSettings
from distill_platform.refinery.streams import Category
from distill_platform.store.lake import Check
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.parts import read_part

_FIT = {
    "rag_corpus": ("success_score", {"accepted", "partially_accepted", "needs_human_review"}),
    "sft_corpus": ("quality_score", {"accepted", "partially_accepted"}),
    "preference_corpus": (
        "reason", {"accepted_over_rejected", "accepted_over_partially_accepted"},
    ),
}  # fmt: skip
_NEVER_NULL = {name: [field.name for field in schema if not field.nullable] for name, schema in CORPORA.items()}
_EVERY_OPTION = ExportSettings(sft_include_partial=True, rag_include_review=True)


def _opted_out(corpus: str, exports: ExportSettings) -> set[str]:
    """Return the categories that a corpus holds only when opted in, and was not."""
    if corpus == "rag_corpus" and not exports.rag_include_review:
        return {"needs_human_review"}
    return {"partially_accepted"} if corpus == "sft_corpus" and not exports.sft_include_partial else set()


def violations(corpus: str, samples: pa.Table, exports: ExportSettings = _EVERY_OPTION) -> pa.Array:
    """Return, per row about to be written, whether the corpus' schema forbids it (layer 1)."""
    bad = pc.not_equal(pc.utf8_length(samples["id"]), 64)
    if corpus in _FIT:
        column, fit = _FIT[corpus]
        bad = pc.or_(bad, pc.invert(pc.is_in(samples[column], pa.array(sorted(fit - _opted_out(corpus, exports))))))
    for name in _NEVER_NULL[corpus]:
        bad = pc.or_(bad, pc.is_null(samples[name]))
    for name in ("task_id", *[n for n in samples.column_names if n.endswith("run_id")]):
        bad = pc.or_(bad, pc.equal(pc.utf8_length(samples[name]), 0))
    for name in [n for n in samples.column_names if n.endswith("provenance")]:
        bad = pc.or_(bad, unproven(samples[name]))
    for name in ("text", "completion", "chosen", "rejected"):
        if name in samples.column_names:
            bad = pc.or_(bad, _silent(samples[name]))
    if "prompt" in samples.column_names:
        bad = pc.or_(bad, _unasked(samples["prompt"]))
    if corpus == "preference_corpus":
        bad = pc.or_(bad, _pointless(samples))
    return pc.fill_null(bad, True).combine_chunks()


def unproven(provenance: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which provenances do not name a source line by its two hashes."""
    hashes = [pc.struct_field(provenance, name) for name in ("raw_sha256", "sig_hash")]
    complete = [pc.fill_null(pc.match_substring_regex(value, "^[0-9a-f]{64}$"), False) for value in hashes]
    return pc.invert(pc.and_(*complete))


def _silent(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which texts, or last messages, hold nothing but white space."""
    texts = column
    if pa.types.is_list(column.type):
        texts = pc.struct_field(pc.list_element(column, 0), "content")
    return pc.fill_null(pc.invert(pc.match_substring_regex(texts, r"\S")), True)


def _unasked(prompts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which prompts hold nothing but white space in any of their messages."""
    messages = prompts.combine_chunks()
    asks = pc.match_substring_regex(pc.struct_field(pc.list_flatten(messages), "content"), r"\S")
    asked = pc.unique(pc.list_parent_indices(messages).filter(pc.fill_null(asks, False)))
    return pc.invert(pc.is_in(pa.array(range(len(messages)), pa.int64()), pc.cast(asked, pa.int64())))


def _pointless(pairs: pa.Table) -> pa.ChunkedArray:
    """Return which pairs compare a run, a record or a text with itself."""
    chosen, rejected = (pc.struct_field(pc.list_element(pairs[n], 0), "content") for n in ("chosen", "rejected"))
    same_record = pc.equal(pairs["chosen_evidence_id"], pairs["rejected_evidence_id"])
    same_run = pc.equal(pairs["chosen_run_id"], pairs["rejected_run_id"])
    return pc.or_(pc.or_(same_record, same_run), pc.equal(chosen, rejected))


@dataclass(frozen=True)
class Ground:
    """What written rows are held against: the verdicts on disk, and the records that no corpus may hold."""

    verdicts: pa.Table
    tainted: pa.Array
    exports: ExportSettings


def ground_of(
    scored: Sequence[Path],
    screened: Sequence[Path],
    verdict_streams: Sequence[str],
    gates: GateSettings,
    exports: ExportSettings,
) -> Ground:
    """Return what is on disk about the records of some days, read for the re-reading of all corpora."""
    return Ground(_verdicts(scored, verdict_streams), _tainted(screened, gates), exports)


def reread(corpus: str, written: Sequence[Path], ground: Ground) -> tuple[list[Check], int]:
    """Return the checks of the written samples against what is on disk (layer 3), and how many records they hold.

    All rows are read again, none is sampled.
    """
    claims = _claims(corpus, written)
    known, found, orphans = _matched(claims, ground.verdicts)
    checks = [
        _records_fit(corpus, claims, ground, (known, found, orphans)),
        check("unique_ids", "rows whose id another row has", _repeated(corpus, claims)),
        _proven(known, found, orphans),
    ]
    return checks, len(pc.unique(claims["evidence_id"]))


def _matched(claims: pa.Table, verdicts: pa.Table) -> tuple[pa.Table, pa.Table, int]:
    """Return the claims that have a verdict on disk, those verdicts row by row, and how many claims have none."""
    place = pc.index_in(claims["evidence_id"], verdicts["evidence_id"].combine_chunks())
    known = pc.is_valid(place)
    return claims.filter(known), verdicts.take(place.filter(known)), place.null_count


def _records_fit(corpus: str, claims: pa.Table, ground: Ground, matched: tuple[pa.Table, pa.Table, int]) -> Check:
    known, found, orphans = matched
    unfit = known["evidence_id"].filter(_unfit(corpus, known, found, ground.exports))
    tainted = claims["evidence_id"].filter(pc.is_in(claims["evidence_id"], ground.tainted))
    description = f"rows whose record is not {_ALLOWED_WORDS[corpus]}, holds a secret or quotes an evaluation set"
    sample = [*unfit.slice(0, 5).to_pylist(), *tainted.slice(0, 5).to_pylist()]
    return check("firewall", description, len(unfit) + len(tainted) + orphans, sample=sample)


def _tainted(screened: Sequence[Path], gates: GateSettings) -> pa.Array:
    """Return the records in which screening found a secret or an evaluation item, as far as those gates are on."""
    found = [pa.array([], pa.string())]
    for path in screened:
        rows = read_part(path, ["evidence_id", "secrets", "eval_prompt_hits", "eval_containment"])
        secret = pc.greater(pc.list_value_length(rows["secrets"]), 0 if gates.secrets else np.iinfo(np.int32).max)
        quotes = pc.or_(
            pc.greater_equal(rows["eval_prompt_hits"], gates.eval_prompt_hits),
            pc.greater_equal(rows["eval_containment"], gates.eval_answer_containment),
        )
        tainted = pc.or_(secret, quotes) if gates.eval_contamination else secret
        found.append(rows["evidence_id"].filter(tainted).combine_chunks())
    return pa.concat_arrays(found)


def _proven(known: pa.Table, found: pa.Table, orphans: int) -> Check:
    other = pc.fill_null(pc.not_equal(known["raw_sha256"], found["raw_sha256"]), True)
    forged = known["evidence_id"].filter(pc.or_(other, unproven(known["provenance"])))
    description = "rows without an evidence record from the same source line"
    return check("provenance", description, len(forged) + orphans, sample=forged.slice(0, 5).to_pylist())


_ALLOWED_WORDS = {
    "rag_corpus": "accepted, partially accepted or awaiting review as the row says",
    "sft_corpus": "accepted or partially accepted, by a verdict of its own, as the row says",
    "preference_corpus": "of the category that its side of the pair demands, by a verdict of its own",
    "kto_corpus": "accepted or rejected as the label says, by a verdict of its own",
}


def _repeated(corpus: str, claims: pa.Table) -> int:
    """Return how many rows have an id that another row has; a pair makes two claims under one id."""
    rows = claims.num_rows // 2 if corpus == "preference_corpus" else claims.num_rows
    return int(rows) - len(pc.unique(claims["id"]))


def _claims(corpus: str, written: Sequence[Path]) -> pa.Table:
    """Return what the written rows say of records; a pair says two things."""
    tables = [_said_by(corpus, read_part(path, _CLAIM_COLUMNS[corpus])) for path in written]
    return pa.concat_tables(tables) if tables else _CLAIMS.empty_table()


_CLAIM_COLUMNS = {
    "rag_corpus": ["id", "evidence_id", "success_score", "provenance"],
    "sft_corpus": ["id", "evidence_id", "quality_score", "provenance"],
    "kto_corpus": ["id", "evidence_id", "label", "provenance"],
    "preference_corpus": [
        "id", "chosen_evidence_id", "rejected_evidence_id", "reason", "chosen_provenance", "rejected_provenance",
    ],
}  # fmt: skip


def _said_by(corpus: str, rows: pa.Table) -> pa.Table:
    if corpus == "preference_corpus":
        worse = pc.replace_substring(rows["reason"], "accepted_over_", "")
        sides = (("chosen", pa.repeat(pa.scalar("accepted"), rows.num_rows)), ("rejected", worse))
        return pa.concat_tables(
            [_claim_table(rows["id"], rows[f"{n}_evidence_id"], says, rows[f"{n}_provenance"]) for n, says in sides]
        )
    says = rows[_FIT[corpus][0]] if corpus in _FIT else pc.if_else(rows["label"], "accepted", "rejected")
    return _claim_table(rows["id"], rows["evidence_id"], says, rows["provenance"])


def _raw(provenance: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.struct_field(provenance, "raw_sha256")


_CLAIMS = pa.schema(
    [*((name, pa.string()) for name in ("id", "evidence_id", "says", "raw_sha256")), ("provenance", PROVENANCE)]
)


def _claim_table(ids: Any, evidence: Any, says: Any, provenance: pa.ChunkedArray) -> pa.Table:
    return pa.table([ids, evidence, says, _raw(provenance), provenance], schema=_CLAIMS)


def _verdicts(scored: Sequence[Path], verdict_streams: Sequence[str]) -> pa.Table:
    """Return the verdicts on disk; an inherited one is looked up anew over all the days given."""
    columns = ["evidence_id", "task_id", "source", "category", "inherited", "provenance"]
    tables = [read_part(path, columns) for path in scored]
    table = pa.concat_tables(tables) if tables else SCORED.empty_table()
    parents = table.filter(pc.is_in(table["source"], pa.array(list(verdict_streams), pa.string())))
    worst = _worst(parents)
    heirs = pc.index_in(table["task_id"], worst["task_id"])
    passed_on = pc.fill_null(worst["category"].take(heirs), str(Category.NEEDS_HUMAN_REVIEW))
    category = pc.if_else(table["inherited"], passed_on, table["category"])
    names = ["evidence_id", "category", "inherited", "raw_sha256"]
    return pa.table([table["evidence_id"], category, table["inherited"], _raw(table["provenance"])], names=names)


def _worst(parents: pa.Table) -> pa.Table:
    ranks = pc.index_in(parents["category"], pa.array(list(Category), pa.string()))
    worst = pa.table({"task_id": parents["task_id"], "rank": ranks}).group_by("task_id").aggregate([("rank", "max")])
    return pa.table(
        {
            "task_id": worst["task_id"].combine_chunks(),
            "category": pa.array(list(Category), pa.string()).take(worst["rank_max"].combine_chunks()),
        }
    )


def _unfit(corpus: str, claims: pa.Table, found: pa.Table, exports: ExportSettings) -> pa.ChunkedArray:
    """Return which claims do not fit the verdict on disk: another category, or an inherited one where none counts."""
    bad = pc.not_equal(claims["says"], found["category"])
    if corpus != "rag_corpus":
        bad = pc.or_(bad, found["inherited"])
    never = {"rag_corpus": {"rejected"}, "sft_corpus": {"rejected", "needs_human_review"}}.get(
        corpus, {"needs_human_review"}
    )
    barred = pa.array(sorted(never | _opted_out(corpus, exports)))
    return pc.fill_null(pc.or_(bad, pc.is_in(found["category"], barred)), True)
