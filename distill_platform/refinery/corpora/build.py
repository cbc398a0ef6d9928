"""Building: candidates judged, kept records written as samples, dropped ones as quarantine, both read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.corpora import firewall
from distill_platform.refinery.corpora.corpus import ADMISSIONS, Redacted, redacted
from distill_platform.refinery.corpora.samples import pair_statistics, preference_table, sample_table
from distill_platform.refinery.judging.candidates import Candidates, Ints, Mask, PartTriple, RangeRules, load_candidates
from distill_platform.refinery.judging.gates import REASONS, Judgement, judge
from distill_platform.refinery.judging.pairs import Pairs, pair_up
from distill_platform.refinery.quarantine import (
    DEDUPLICATED,
    SCORED_COLUMNS,
    SKIPPED,
    Reason,
    dropped_table,
    quarantine_hashes,
)
from distill_platform.refinery.settings import ExportSettings, PlatformConfig, Settings
from distill_platform.refinery.stage import (
    Refinery,
    Staged,
    Written,
    add_table,
    as_input,
    joined,
    open_input,
    publish_days,
)
from distill_platform.refinery.streams import Category, StreamClass
from distill_platform.store.lake import Counts, Dataset, Draft, Input, Manifest
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
class Day:
    """What a day's corpora are made from, opened through the lake's gate."""

    evidence: Dataset
    scored: Dataset
    screened: Dataset

    @property
    def inputs(self) -> dict[str, Input]:
        """Return the three manifests as inputs."""
        manifests = (self.evidence.manifest, self.scored.manifest, self.screened.manifest)
        return {f"{manifest.dataset}/{manifest.partition}": as_input(manifest) for manifest in manifests}


def open_day(refinery: Refinery, day: str) -> Day:
    """Return a day's evidence, scored runs and screened texts; refused unless all are current and passed."""
    evidence, scored, screened = (
        open_input(refinery, name, day) for name in ("evidence", "scored_runs", "screened_texts")
    )
    return Day(evidence, scored, screened)


@dataclass(frozen=True)
class Judged:
    """Candidates with the decision of one corpus over them; `pairs` for the preference corpus only."""

    corpus: str
    candidates: Candidates
    judgement: Judgement
    pairs: Pairs | None


def load(settings: Settings, days: Sequence[Day]) -> Candidates:
    """Return the candidates of some days, judged together."""
    rules = RangeRules(verdict_streams(settings), settings.config.exports.validation_fraction)
    return load_candidates([(day.evidence, day.scored, day.screened) for day in days], rules)


def verdict_streams(settings: Settings) -> tuple[str, ...]:
    """Return the streams whose records bear verdicts."""
    return tuple(s.name for s in settings.streams if s.config.stream_class is StreamClass.VERDICT)


def decide(settings: Settings, corpus: str, candidates: Candidates) -> Judged:
    """Return the gates' decision over the candidates for one corpus, pairs included."""
    config = settings.config
    judgement = judge(candidates, ADMISSIONS[corpus](config.exports), config.gates, config.screening)
    pairs = None
    if corpus == "preference_corpus":
        pairs = pair_up(candidates, judgement, config.exports.max_pairs_per_task)
    return Judged(corpus, candidates, judgement, pairs)


def build_corpus(refinery: Refinery, corpus: str, days: Sequence[str]) -> list[Manifest]:
    """Return the published manifests of one corpus for `days`; each day is judged on its own rows alone."""
    return publish_days(refinery, corpus, days, _stage_day)


def _stage_day(refinery: Refinery, draft: Draft) -> Staged:
    day = open_day(refinery, draft.partition)
    return stage_corpus(
        refinery, draft, decide(refinery.settings, draft.dataset, load(refinery.settings, [day])), [day]
    )


def stage_corpus(refinery: Refinery, draft: Draft, judged: Judged, days: Sequence[Day]) -> Staged:
    """Return a corpus written into a draft, counted and re-read; shared by days and releases."""
    exports = list(_export(refinery, draft, judged))
    add_table(draft, "samples", [part.samples for part in exports if part.samples is not None])
    add_table(draft, "quarantine", [part.quarantine for part in exports if part.quarantine is not None])
    reasons = sum((part.reasons for part in exports), Counter[Reason]())
    written = [draft.folder / part.path for part in draft.parts("samples")]
    checks, records = firewall.reread(judged.corpus, written, _ground(refinery.settings, days))
    return Staged(
        draft,
        {name: read for day in days for name, read in day.inputs.items()},
        refinery.settings.export_hash,
        _counts(len(judged.candidates), records, reasons),
        checks,
        {"samples": draft.rows("samples"), **_statistics(judged), **_pair_report(judged, written)},
    )


def _ground(settings: Settings, days: Sequence[Day]) -> firewall.Ground:
    scored = [path for day in days for path in day.scored.paths("runs")]
    screened = [path for day in days for path in day.screened.paths("texts")]
    return firewall.Ground(scored, screened, verdict_streams(settings), settings.config.gates, settings.config.exports)


def _counts(rows_in: int, records: int, reasons: Counter[Reason]) -> Counts:
    """Return the counts in records: `records` stand in the written samples, for pairs on either side."""
    gone = {str(reason): count for reason, count in sorted(reasons.items()) if reason not in DEDUPLICATED}
    return Counts(
        rows_in=rows_in,
        rows_out=records,
        deduplicated=sum(reasons[reason] for reason in DEDUPLICATED),
        skipped={reason: count for reason, count in gone.items() if reason in SKIPPED},
        quarantined={reason: count for reason, count in gone.items() if reason not in SKIPPED},
    )


def _statistics(judged: Judged) -> dict[str, Any]:
    kept = judged.judgement.kept
    validation = int((kept & judged.candidates.validation).sum())
    return {"validation_records": validation, "train_records": int(kept.sum()) - validation}


def _pair_report(judged: Judged, written: Sequence[Path]) -> dict[str, Any]:
    return {} if judged.pairs is None else {"pairs": pair_statistics(written)}


@dataclass(frozen=True)
class _ExportTask:
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
class _Exported:
    samples: Written | None
    quarantine: Written | None
    reasons: Counter[Reason]


def _export(refinery: Refinery, draft: Draft, judged: Judged) -> Iterator[_Exported]:
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


def _task(judged: Judged, part: PartTriple, config: PlatformConfig, paths: tuple[Path, Path]) -> _ExportTask:
    rows = slice(part.first, part.first + part.rows)
    others = judged.judgement.other[rows]
    losers = np.flatnonzero(others >= 0)
    winners = judged.candidates.ids.take(pa.array(others[losers])).to_pylist()
    return _ExportTask(
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


def _export_part(task: _ExportTask) -> _Exported:
    """Return one part's samples and quarantine, written; what the schema layer refuses joins the quarantine."""
    codes = task.codes.copy()
    samples = _samples(task, codes) if task.samples is not None and (codes == 0).any() else None
    written = None
    if samples is not None and task.samples is not None and samples.num_rows:
        written = Written(write_part(task.samples, samples, plain=_PLAIN), row_hashes(samples))
    dropped = np.flatnonzero(codes)
    if not len(dropped):
        return _Exported(written, None, Counter())
    quarantine = _quarantine(task, codes, dropped)
    reasons = Counter(REASONS[code - 1] for code in codes[dropped].tolist())
    return _Exported(
        written, Written(write_part(task.quarantine, quarantine, plain=_PLAIN), quarantine_hashes(quarantine)), reasons
    )


def _samples(task: _ExportTask, codes: Ints) -> pa.Table:
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


def _export_pairs(judged: Judged, pairs: Pairs, draft: Draft, pii: bool) -> Iterator[_Exported]:
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
            yield _Exported(Written(write_part(path, table, plain=_PLAIN), row_hashes(table)), None, Counter())


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


_DETAILS = {
    Reason.MISSING_PROVENANCE: "the record does not name its source line",
    Reason.MISSING_SOURCE_RUN_ID: "the record does not name its run",
    Reason.EMPTY_CONTENT: "the prompt or the text is missing or empty",
    Reason.SCHEMA_VIOLATION: "the row does not satisfy the schema of its corpus",
    Reason.VERDICT_CONFLICT: "the same text was both accepted and rejected for this task or prompt",
    Reason.SPLIT_LEAKAGE: "prompt or text of this validation row belongs to a training task too",
    Reason.INVALID_PREFERENCE_PAIRING: "no counterpart of the task answers the same prompt",
    Reason.SELF_PAIRING: "every counterpart comes from the same run",
    Reason.NO_COUNTERPART: "the task has no answer of another category to pair with",
    Reason.PAIR_CAP: "the task has its full number of better pairs",
}


def _quarantine(task: _ExportTask, codes: Ints, dropped: Ints) -> pa.Table:
    """Return the dropped records with why; their texts stay in the evidence, so that no secret is copied."""
    chosen = pa.array(dropped)
    scored = read_part(task.part.scored, ["evidence_id", *SCORED_COLUMNS, "provenance"]).take(chosen)
    reason = _REASON_NAMES.take(pa.array(codes[dropped] - 1))
    columns = {
        "stage": task.corpus,
        "disposition": _DISPOSITIONS.take(pa.array(codes[dropped] - 1)),
        "reason": reason,
        "detail": _details(task, codes, dropped, scored),
        **{name: scored[name] for name in ("evidence_id", *SCORED_COLUMNS, "provenance")},
    }
    return dropped_table(len(dropped), columns)


def disposition(reason: Reason) -> str:
    """Return how a dropped record counts: deduplicated, skipped or quarantined."""
    return "deduplicated" if reason in DEDUPLICATED else "skipped" if reason in SKIPPED else "quarantined"


_REASON_NAMES = pa.array([str(reason) for reason in REASONS])
_DISPOSITIONS = pa.array([disposition(reason) for reason in REASONS])
_CATEGORY_NAMES = pa.array([str(category) for category in Category])
_CONSTANT = pa.array([_DETAILS.get(reason) for reason in REASONS])


def _details(task: _ExportTask, codes: Ints, dropped: Ints, scored: pa.Table) -> pa.Array:
    """Return what exactly was wrong with each dropped record."""
    details = _CONSTANT.take(pa.array(codes[dropped] - 1))
    inherited = pc.if_else(scored["inherited"], ", inherited from the task", "").combine_chunks()
    judged = _CATEGORY_NAMES.take(pa.array(task.category[dropped]))  # over a range, as inherited from all its days
    verdict = pc.binary_join_element_wise("the verdict is ", judged, inherited, "")
    details = pc.coalesce(details, verdict)
    special = np.flatnonzero(np.isin(codes[dropped], _SPECIAL))
    if not len(special):
        return details
    found = _findings(task, codes, dropped[special])
    return pc.replace_with_mask(details, pa.array(np.isin(codes[dropped], _SPECIAL)), pa.array(found, pa.string()))


_SPECIAL = [
    REASONS.index(reason) + 1
    for reason in (
        Reason.SECRET_FOUND,
        Reason.HALLUCINATED_FILE_PATH,
        Reason.EVAL_CONTAMINATION,
        Reason.DUPLICATE_ID,
        Reason.NEAR_DUPLICATE,
    )
]


def _findings(task: _ExportTask, codes: Ints, rows: Ints) -> list[str]:
    """Return the details that name something: patterns (never values), paths, evaluation items, kept records."""
    screened = read_part(task.part.screened, ["secrets", "invented_paths", "eval_item"]).take(pa.array(rows))
    secrets, paths, items = (screened[name].to_pylist() for name in screened.column_names)
    words = {
        Reason.SECRET_FOUND: lambda at, _: f"patterns: {', '.join(secrets[at])}",
        Reason.HALLUCINATED_FILE_PATH: lambda at, _: f"cites {', '.join(paths[at][:5])}",
        Reason.EVAL_CONTAMINATION: lambda at, _: f"shares text with evaluation item {items[at]}",
    }
    repeats: Callable[[int, int], str] = lambda _, row: f"repeats evidence {task.lost_to[row]}, which ranks before it"  # noqa: E731
    reasons = [REASONS[code - 1] for code in codes[rows].tolist()]
    return [
        words.get(reason, repeats)(at, row) for at, (reason, row) in enumerate(zip(reasons, rows.tolist(), strict=True))
    ]
