"""The pipeline: the stages in order, declared once, and what it means to run one.

Both doors use it: the terminal runs all stages in a row, Dagster makes an asset of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from distill_platform.core.errors import DistillError
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
from distill_platform.store.lake import Manifest
from distill_platform.store.lake.parts import file_sha256
from distill_platform.store.stages import Pipeline, Stage, StageWork, refuse_failed, steps


def _alone(work: Callable[[Refinery, Sequence[str]], list[Manifest]]) -> StageWork[Refinery]:
    return lambda refinery, _, days: work(refinery, days)


def _corpus(name: str, description: str) -> Stage[Refinery]:
    return Stage(name, ("evidence", "scored_runs", "screened_texts"), build_corpora, description)


def _whole_range(days: Sequence[str]) -> list[str]:
    return [partition_of(sorted(set(days)))] if days else []


STAGES: tuple[Stage[Refinery], ...] = (
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
        _whole_range,
    ),
)


def run_all(refinery: Refinery, days: Sequence[str], run_id: str, stages: Iterable[Stage[Refinery]] = STAGES) -> None:
    """Run the stages in order over `days`, then write the run's summary and drift report.

    Raises GateRefused as soon as a stage's own checks do not hold; what depends on it does not run.
    """
    try:
        for step in steps(stages):
            done = PIPELINE.run_step(refinery, step, days, run_id)
            refuse_failed(done.manifests)
    except Exception:
        with suppress(DistillError):  # the first error is the one to show
            report_drift(refinery, days, run_id)
        raise
    report_drift(refinery, days, run_id)


def source_hashes(refinery: Refinery) -> dict[str, str]:
    """Return the SHA-256 of every source file, by its name inside the source folder."""
    files = [
        file
        for stream in refinery.settings.streams
        for file in find_files(refinery.settings.data, stream.name, stream.config.path)
    ]
    hashes = refinery.workers.map(_hash_file, [file.path for file in files])
    return {file.name: digest for file, digest in zip(files, hashes, strict=True)}


def _sources(refinery: Refinery, names: Sequence[str]) -> dict[str, str]:
    return source_hashes(refinery) if "evidence" in names else {}


def _hash_file(path: Path) -> str:
    return file_sha256(path)


PIPELINE = Pipeline(STAGES, code_version, _sources)
