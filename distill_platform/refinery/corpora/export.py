"""Export: what the gates kept is written as samples, what they dropped as quarantine, part by part.

A part is read once for all corpora; each corpus then takes its own share of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.refinery.corpora import firewall
from distill_platform.refinery.corpora.dropped import Losses, quarantine_of
from distill_platform.refinery.corpora.export_pairs import export_pairs
from distill_platform.refinery.corpora.part_rows import PartRows
from distill_platform.refinery.corpora.samples import sample_table
from distill_platform.refinery.corpora.written import Exported, write_quarantine, write_samples
from distill_platform.refinery.judging.candidates import Candidates, Ints, Mask, PartTriple
from distill_platform.refinery.judging.gates import REASONS, Judgement
from distill_platform.refinery.judging.pairs import Pairs
from distill_platform.refinery.quarantine import Reason
from distill_platform.refinery.settings import ExportSettings
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Draft


@dataclass(frozen=True)
class Judged:
    """Candidates with the decision of one corpus over them; `pairs` for the preference corpus only."""

    corpus: str
    candidates: Candidates
    judgement: Judgement
    pairs: Pairs | None


@dataclass(frozen=True)
class Share:
    """One corpus' share of a part: what it drops, and where its rows go; pairs are written before, not here."""

    corpus: str
    codes: Ints
    lost_to: Mapping[int, str]
    samples: Path | None
    quarantine: Path


@dataclass(frozen=True)
class ExportTask:
    """What a worker needs to write every corpus' samples and quarantine of one part."""

    part: PartTriple
    shares: tuple[Share, ...]
    category: Ints
    validation: Mask
    pii: bool
    exports: ExportSettings


def export(refinery: Refinery, drafts: Sequence[Draft], judged: Sequence[Judged]) -> list[list[Exported]]:
    """Return what was written for every corpus.

    Pairs come first, since a refused pair drops records that the parts then quarantine.
    """
    pii = refinery.settings.config.gates.pii_redaction
    made = [
        [] if one.pairs is None else list(export_pairs(one.candidates, one.pairs, one.judgement, draft, pii=pii))
        for draft, one in zip(drafts, judged, strict=True)
    ]
    for pieces in refinery.workers.map(_export_part, _tasks(refinery, drafts, judged)):
        for exported, piece in zip(made, pieces, strict=True):
            exported.append(piece)
    return made


def _tasks(refinery: Refinery, drafts: Sequence[Draft], judged: Sequence[Judged]) -> Iterator[ExportTask]:
    config = refinery.settings.config
    candidates = judged[0].candidates
    for number, part in enumerate(candidates.parts):
        rows = slice(part.first, part.first + part.rows)
        shares = tuple(_share(one, draft, number, rows) for draft, one in zip(drafts, judged, strict=True))
        category, validation = candidates.category[rows], candidates.validation[rows]
        yield ExportTask(part, shares, category, validation, config.gates.pii_redaction, config.exports)


def _share(judged: Judged, draft: Draft, number: int, rows: slice) -> Share:
    others = judged.judgement.other[rows]
    losers = np.flatnonzero(others >= 0)
    winners = judged.candidates.ids.take(pa.array(others[losers])).to_pylist()
    return Share(
        judged.corpus,
        judged.judgement.codes[rows],
        dict(zip(losers.tolist(), winners, strict=True)),
        draft.part_path("samples", number) if judged.pairs is None else None,
        draft.part_path("quarantine", number),
    )


def _export_part(task: ExportTask) -> list[Exported]:
    """Return what was written of one part, corpus by corpus."""
    rows = PartRows(task.part, pii=task.pii)
    return [_export_share(task, share, rows) for share in task.shares]


def _export_share(task: ExportTask, share: Share, rows: PartRows) -> Exported:
    """Return a corpus' samples and quarantine, written; what the schema layer refuses joins the quarantine."""
    codes = share.codes.copy()
    samples = None
    if share.samples is not None and (codes == 0).any():
        samples = write_samples(share.samples, _samples(task, share.corpus, rows, codes))
    if not codes.any():
        return Exported(samples, None, Counter())
    dropped = quarantine_of(Losses(share.corpus, rows, codes, share.lost_to, task.category))
    reasons = Counter(REASONS[code - 1] for code in codes[codes != 0].tolist())
    return Exported(samples, write_quarantine(share.quarantine, dropped), reasons)


def _samples(task: ExportTask, corpus: str, rows: PartRows, codes: Ints) -> pa.Table:
    """Return the kept rows as samples, marking in `codes` those the schema layer refuses."""
    kept = np.flatnonzero(codes == 0)
    table = sample_table(corpus, rows.texts.take(kept), task.category[kept], task.validation[kept], pii=task.pii)
    refused = firewall.violations(corpus, table, task.exports)
    if pc.any(refused).as_py():
        codes[kept[refused.to_numpy(zero_copy_only=False)]] = REASONS.index(Reason.SCHEMA_VIOLATION) + 1
        table = table.filter(pc.invert(refused))
    return table
