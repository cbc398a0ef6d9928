"""Building: a day's or a range's records judged for one corpus, exported, counted and read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.refinery.corpora import firewall
from distill_platform.refinery.corpora.corpus import ADMISSIONS
from distill_platform.refinery.corpora.export import Judged, export
from distill_platform.refinery.corpora.samples import pair_statistics
from distill_platform.refinery.corpora.written import Exported
from distill_platform.refinery.judging.candidates import Candidates, RangeRules, load_candidates
from distill_platform.refinery.judging.gates import judge
from distill_platform.refinery.judging.near_duplicates import neighbours
from distill_platform.refinery.judging.pairs import pair_up
from distill_platform.refinery.quarantine import DEDUPLICATED, SKIPPED, Reason
from distill_platform.refinery.settings import Settings
from distill_platform.refinery.stage import Refinery, open_input, publish_days
from distill_platform.refinery.streams import StreamClass
from distill_platform.store.lake import Counts, Dataset, Draft, Input, Manifest
from distill_platform.store.lake.publishing import Staged, add_table, as_input


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


def load(settings: Settings, days: Sequence[Day]) -> Candidates:
    """Return the candidates of some days, judged together."""
    rules = RangeRules(verdict_streams(settings), settings.config.exports.validation_fraction)
    return load_candidates([(day.evidence, day.scored, day.screened) for day in days], rules)


def verdict_streams(settings: Settings) -> tuple[str, ...]:
    """Return the streams whose records bear verdicts."""
    return tuple(s.name for s in settings.streams if s.config.stream_class is StreamClass.VERDICT)


def decide(settings: Settings, corpora: Sequence[str], candidates: Candidates) -> list[Judged]:
    """Return the gates' decision over the candidates for each corpus, pairs included."""
    config = settings.config
    among = neighbours(candidates, config.gates, config.screening.shingle_words)
    decisions = []
    for corpus in corpora:
        judgement = judge(candidates, among, ADMISSIONS[corpus](config.exports), config.gates)
        paired = corpus == "preference_corpus"
        pairs = pair_up(candidates, judgement, config.exports.max_pairs_per_task) if paired else None
        decisions.append(Judged(corpus, candidates, judgement, pairs))
    return decisions


def build_corpora(refinery: Refinery, corpora: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published manifests of some corpora for `days`; each day is judged on its own rows alone.

    A day is read once for all of them; what becomes of a corpus does not depend on which others are made with it.
    """
    return publish_days(refinery, corpora, days, _stage_day)


def _stage_day(refinery: Refinery, drafts: Sequence[Draft]) -> list[Staged]:
    day = open_day(refinery, drafts[0].partition)
    corpora = [draft.dataset for draft in drafts]
    judged = decide(refinery.settings, corpora, load(refinery.settings, [day]))
    return stage_corpora(refinery, drafts, judged, [day])


def stage_corpora(
    refinery: Refinery, drafts: Sequence[Draft], judged: Sequence[Judged], days: Sequence[Day]
) -> list[Staged]:
    """Return corpora written into their drafts, counted and re-read; shared by days and releases."""
    exported = export(refinery, drafts, judged)
    ground = _ground(refinery.settings, days)
    pieces = zip(drafts, judged, exported, strict=True)
    return [_staged(refinery, draft, one, exports, (ground, days)) for draft, one, exports in pieces]


def _staged(
    refinery: Refinery,
    draft: Draft,
    judged: Judged,
    exports: Sequence[Exported],
    read: tuple[firewall.Ground, Sequence[Day]],
) -> Staged:
    ground, days = read
    add_table(draft, "samples", [part.samples for part in exports if part.samples is not None])
    add_table(draft, "quarantine", [part.quarantine for part in exports if part.quarantine is not None])
    reasons = sum((part.reasons for part in exports), Counter[Reason]())
    written = [draft.folder / part.path for part in draft.parts("samples")]
    checks, records = firewall.reread(judged.corpus, written, ground)
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
    config = settings.config
    return firewall.ground_of(scored, screened, verdict_streams(settings), config.gates, config.exports)


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
