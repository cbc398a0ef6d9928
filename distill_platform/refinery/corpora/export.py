"""Export: what the gates kept is written as samples, what they dropped as quarantine, part by part or pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.corpora import firewall
from distill_platform.refinery.corpora.corpus import Redacted, redacted
from distill_platform.refinery.corpora.dropped import Losses, quarantine_of
from distill_platform.refinery.corpora.samples import preference_table, sample_table
from distill_platform.refinery.judging.candidates import Candidates, Ints, Mask, PartTriple
from distill_platform.refinery.judging.gates import REASONS, Judgement
from distill_platform.refinery.judging.pairs import Pairs
from distill_platform.refinery.quarantine import Reason, quarantine_hashes
from distill_platform.refinery.settings import ExportSettings, PlatformConfig
from distill_platform.refinery.stage import Refinery, Written, joined
from distill_platform.store.lake import Draft
from distill_platform.store.lake.parts import read_part, write_part

PAIRS_AT_ONCE = 15_000
_TEXT_COLUMNS = ["evidence_id", "run_id", "task_id", "source", "prompt", "text", "provenance"]
_OWN_COLUMNS = {"rag_corpus": ["title", "tags"]}
_CONVERSATION_COLUMNS = ["prompt_source", "messages"]
_PLAIN = (
    "id", "evidence_id", "source_run_id", "text", "title", "row", "detail",
    *(f"{name}.list.element.content" for name in ("prompt", "completion", "chosen", "rejected")),
    *(f"{name}provenance.{part}" for name in ("", "chosen_", "rejected_")
      for part in ("line_offset", "raw_sha256", "sig_hash")),
    "chosen_run_id", "rejected_run_id", "chosen_evidence_id", "rejected_evidence_id",
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """Candidates with the decision of one corpus over them; `pairs` for the preference corpus only."""

    corpus: str
    candidates: Candidates
    judgement: Judgement
    pairs: Pairs | None


@dataclass(frozen=True)
class ExportTask:
    """What a worker needs to write one part's samples and quarantine."""

    corpus: str
    part: PartTriple
    codes: Ints
    lost_to: Mapping[int, str]
    category: Ints
    validation: Mask
    pii: bool
    exports: ExportSettings
    samples: Path | None
    quarantine: Path


@dataclass(frozen=True)
class Exported:
    """What was written, and how many records were dropped for which reason."""

    samples: Written | None
    quarantine: Written | None
    reasons: Counter[Reason]


def export(refinery: Refinery, draft: Draft, judged: Judged) -> Iterator[Exported]:
    """Yield what was written; pairs come first, since a refused pair drops records that the parts then quarantine."""
    config = refinery.settings.config
    pii = config.gates.pii_redaction
    if judged.pairs is not None:
        yield from _export_pairs(judged, judged.pairs, draft, pii)
    tasks = (
        _task(judged, part, config, (draft.part_path("samples", n), draft.part_path("quarantine", n)))
        for n, part in enumerate(judged.candidates.parts)
    )
    yield from refinery.workers.map(_export_part, tasks)


def _task(judged: Judged, part: PartTriple, config: PlatformConfig, paths: tuple[Path, Path]) -> ExportTask:
    rows = slice(part.first, part.first + part.rows)
    others = judged.judgement.other[rows]
    losers = np.flatnonzero(others >= 0)
    winners = judged.candidates.ids.take(pa.array(others[losers])).to_pylist()
    return ExportTask(
        judged.corpus,
        part,
        judged.judgement.codes[rows],
        dict(zip(losers.tolist(), winners, strict=True)),
        judged.candidates.category[rows],
        judged.candidates.validation[rows],
        config.gates.pii_redaction,
        config.exports,
        paths[0] if judged.pairs is None else None,
        paths[1],
    )


def _export_part(task: ExportTask) -> Exported:
    """Return one part's samples and quarantine, written; what the schema layer refuses joins the quarantine."""
    codes = task.codes.copy()
    samples = _samples(task, codes) if task.samples is not None and (codes == 0).any() else None
    written = None
    if samples is not None and task.samples is not None and samples.num_rows:
        written = Written(write_part(task.samples, samples, plain=_PLAIN), row_hashes(samples))
    if not codes.any():
        return Exported(written, None, Counter())
    dropped = quarantine_of(Losses(task.corpus, task.part, codes, task.lost_to, task.category))
    reasons = Counter(REASONS[code - 1] for code in codes[codes != 0].tolist())
    path = task.quarantine
    return Exported(written, Written(write_part(path, dropped, plain=_PLAIN), quarantine_hashes(dropped)), reasons)


def _samples(task: ExportTask, codes: Ints) -> pa.Table:
    """Return the kept rows as samples, marking in `codes` those the schema layer refuses."""
    kept = np.flatnonzero(codes == 0)
    source = _read_redacted(task.part, task.corpus, kept, task.pii)
    table = sample_table(task.corpus, source, task.category[kept], task.validation[kept], pii=task.pii)
    refused = firewall.violations(task.corpus, table, task.exports)
    if pc.any(refused).as_py():
        codes[kept[refused.to_numpy(zero_copy_only=False)]] = REASONS.index(Reason.SCHEMA_VIOLATION) + 1
        table = table.filter(pc.invert(refused))
    return table


def _read_redacted(part: PartTriple, corpus: str, rows: Ints, pii: bool) -> Redacted:
    chosen = pa.array(rows)
    columns = [*_TEXT_COLUMNS, *_OWN_COLUMNS.get(corpus, _CONVERSATION_COLUMNS)]
    evidence = read_part(part.evidence, columns).take(chosen)
    screened = read_part(part.screened, ["redacted_prompt", "redacted_text"]).take(chosen)
    return redacted(evidence, screened, pii)


def _export_pairs(judged: Judged, pairs: Pairs, draft: Draft, pii: bool) -> Iterator[Exported]:
    """Yield the pairs in batches; a pair the schema layer refuses is dropped with both its records' reasons kept."""
    candidates = judged.candidates
    fine = np.ones(len(pairs.chosen), bool)
    for number, start in enumerate(range(0, len(pairs.chosen), PAIRS_AT_ONCE)):
        chosen, rejected = (rows[start : start + PAIRS_AT_ONCE] for rows in (pairs.chosen, pairs.rejected))
        rows = np.union1d(chosen, rejected)
        source = _gather(candidates, rows, pii)
        sides = (_taken(source, np.searchsorted(rows, chosen)), _taken(source, np.searchsorted(rows, rejected)))
        categories = (candidates.category[chosen], candidates.category[rejected])
        table = preference_table(*sides, categories, candidates.validation[chosen], pii=pii)
        refused = firewall.violations("preference_corpus", table).to_numpy(zero_copy_only=False)
        if refused.any():
            fine[start : start + PAIRS_AT_ONCE] = ~refused
            _drop_refused(judged.judgement, pairs, fine)
            table = table.filter(pa.array(~refused))
        if table.num_rows:
            path = draft.part_path("samples", number)
            yield Exported(Written(write_part(path, table, plain=_PLAIN), row_hashes(table)), None, Counter())


def _drop_refused(judgement: Judgement, pairs: Pairs, fine: Mask) -> None:
    """Drop the records that stand in no pair but refused ones; pairs not yet looked at count as fine."""
    used = np.union1d(pairs.chosen[fine], pairs.rejected[fine])
    touched = np.union1d(pairs.chosen[~fine], pairs.rejected[~fine])
    judgement.drop(np.setdiff1d(touched, used), Reason.INVALID_PREFERENCE_PAIRING)


def _gather(candidates: Candidates, rows: Ints, pii: bool) -> Redacted:
    """Return the given records (ascending) from wherever they lie."""
    pieces = []
    for part in candidates.parts:
        low, high = np.searchsorted(rows, [part.first, part.first + part.rows])
        if high > low:
            pieces.append(_read_redacted(part, "preference_corpus", rows[low:high] - part.first, pii))
    prompt, answer = (pa.chunked_array([getattr(p, n) for p in pieces]).combine_chunks() for n in ("prompt", "answer"))
    return Redacted(pa.concat_tables([piece.rows for piece in pieces]), prompt, answer)


def _taken(source: Redacted, places: Ints) -> Redacted:
    wanted = pa.array(places)
    return Redacted(source.rows.take(wanted).combine_chunks(), source.prompt.take(wanted), source.answer.take(wanted))


def row_hashes(samples: pa.Table) -> bytes:
    """Return what the content hash covers, row by row: the ids, hashes of all a sample says, and the split."""
    return joined(samples["id"], samples["split"])
