"""The pipeline: the stages in order, declared once, and what it means to run one.

Both doors use it: the terminal runs all stages in a row, Dagster makes an asset of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from distill_platform.core.errors import DistillError, GateRefused
from distill_platform.refinery.corpora.build import build_corpora
from distill_platform.refinery.drift import report_drift
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.release import release_corpora
from distill_platform.refinery.release.layout import partition_of
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.scoring import score_runs
from distill_platform.refinery.screened import screen_texts
from distill_platform.refinery.source_files import find_files
from distill_platform.refinery.stage import Refinery, code_version
from distill_platform.store import receipts as receipting
from distill_platform.store.lake import Manifest
from distill_platform.store.lake.parts import file_sha256
from distill_platform.store.receipts import StageReceipt

StageWork = Callable[[Refinery, Sequence[str], Sequence[str]], list[Manifest]]


@dataclass(frozen=True)
class Stage:
    """One stage: what it reads, what it is for, and the work that makes its partitions for a range of days.

    Neighbouring stages with the same `work` are made in one go: it is told which of them to make, then the days.
    `whole_range` is a stage that makes one partition of all its days together, not one of each.
    """

    name: str
    upstream: tuple[str, ...]
    work: StageWork
    description: str
    whole_range: bool = False

    def partitions(self, days: Sequence[str]) -> list[str]:
        """Return the partitions that a run over `days` makes."""
        return [partition_of(sorted(set(days)))] if self.whole_range and days else list(days)


def _alone(work: Callable[[Refinery, Sequence[str]], list[Manifest]]) -> StageWork:
    return lambda refinery, _, days: work(refinery, days)


def _corpus(name: str, description: str) -> Stage:
    return Stage(name, ("evidence", "scored_runs", "screened_texts"), build_corpora, description)


STAGES: tuple[Stage, ...] = (
    Stage(
        "evidence",
        (),
        _alone(build_evidence),
        "Rows of every declared stream as EvidenceRecords with full provenance.",
    ),
    Stage("scored_runs", ("evidence",), _alone(score_runs), "One deterministic verdict per evidence record."),
    Stage(
        "screened_texts",
        ("evidence",),
        _alone(screen_texts),
        "Secrets, personal data, contamination and text signatures.",
    ),
    _corpus("rag_corpus", "Documents that held up, for retrieval."),
    _corpus("sft_corpus", "Prompts with accepted answers, for supervised fine-tuning."),
    _corpus("preference_corpus", "Better and worse answers to the same prompt, for preference training."),
    _corpus("kto_corpus", "Answers with a yes or no, for KTO."),
    Stage(
        "corpus_release",
        tuple(CORPORA),
        _alone(release_corpora),
        "A versioned snapshot of all corpora over a range of days.",
        whole_range=True,
    ),
)


def steps(stages: Iterable[Stage] = STAGES) -> list[tuple[Stage, ...]]:
    """Return the stages in order, those that are made in one go together."""
    return [tuple(together) for _, together in groupby(stages, key=attrgetter("work"))]


@dataclass(frozen=True)
class StepRun:
    """What the stages of one step did over a range of days."""

    manifests: tuple[Manifest, ...]
    receipts: tuple[StageReceipt, ...]


def run_step(refinery: Refinery, step: Sequence[Stage], days: Sequence[str], run_id: str) -> StepRun:
    """Return what stages made in one go published, after writing their receipts.

    When they raise, their partitions are marked failed, receipts say why, and the error goes on: nobody reads the
    older state as if it were current.
    """
    started_at, clock = datetime.now(UTC), time.perf_counter()
    names = [stage.name for stage in step]
    try:
        manifests = step[0].work(refinery, names, days)
    except Exception as error:
        for stage in step:
            _write_failure(refinery, stage, days, run_id, started_at, time.perf_counter() - clock, error)
        raise
    share = (time.perf_counter() - clock) / max(len(manifests), 1)
    sources = source_hashes(refinery) if "evidence" in names else {}
    receipts = [receipting.receipt_of(manifest, run_id, started_at, share, sources) for manifest in manifests]
    for name in names:
        own = [receipt for receipt in receipts if receipt.stage == name]
        receipting.write_receipts(refinery.lake, run_id, name, own)
    return StepRun(tuple(manifests), tuple(receipts))


def _write_failure(
    refinery: Refinery, stage: Stage, days: Sequence[str], run_id: str, at: datetime, took: float, error: Exception
) -> None:
    message = f"{type(error).__name__}: {error}"
    try:
        made = stage.partitions(days)
        for partition in made:
            refinery.lake.mark_failed(stage.name, partition, message)
        failures = [
            receipting.failed_receipt(stage.name, partition, run_id, at, took, message, code_version())
            for partition in made
        ]
        receipting.write_receipts(refinery.lake, run_id, stage.name, failures)
    except DistillError:
        return  # the disk that refused the stage refuses its receipts too; the first error is the one to show


def run_all(refinery: Refinery, days: Sequence[str], run_id: str, stages: Iterable[Stage] = STAGES) -> None:
    """Run the stages in order over `days`, then write the run's summary and drift report.

    Raises GateRefused as soon as a stage's own checks do not hold; what depends on it does not run.
    """
    try:
        for step in steps(stages):
            done = run_step(refinery, step, days, run_id)
            refuse_failed(done.manifests)
    except Exception:
        with suppress(DistillError):  # the first error is the one to show
            report_drift(refinery, days, run_id)
        raise
    report_drift(refinery, days, run_id)


def refuse_failed(manifests: Iterable[Manifest]) -> None:
    """Raise GateRefused when any of the published partitions has not passed its blocking checks."""
    failed = [manifest for manifest in manifests if not manifest.passed]
    if failed:
        errors = "; ".join(f"{m.dataset}[{m.partition}] {error}" for m in failed for error in m.errors[:3])
        raise GateRefused(f"{len(failed)} partitions did not pass: {errors}", hint="Mend the cause, then run again")


def source_hashes(refinery: Refinery) -> dict[str, str]:
    """Return the SHA-256 of every source file, by its name inside the source folder."""
    files = [
        file
        for stream in refinery.settings.streams
        for file in find_files(refinery.settings.data, stream.name, stream.config.path)
    ]
    hashes = refinery.workers.map(_hash_file, [file.path for file in files])
    return {file.name: digest for file, digest in zip(files, hashes, strict=True)}


def _hash_file(path: Path) -> str:
    return file_sha256(path)
