"""Proofs: claims about one row, each worked out anew from the bytes on disk and held against what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, DistillError
from distill_platform.refinery.corpora.build import verdict_streams
from distill_platform.refinery.corpora.corpus import joined, redacted
from distill_platform.refinery.corpora.samples import preference_table, sample_table
from distill_platform.refinery.ingest import Outcome, evidence_id, outcomes
from distill_platform.refinery.lines import Line, read_batches
from distill_platform.refinery.mapping import Mapped, Mapper
from distill_platform.refinery.scoring import Verdict, inherit, judge_for, lookups
from distill_platform.refinery.search import Place
from distill_platform.refinery.settings import Settings
from distill_platform.refinery.source_files import Chunk, SourceFile, find_files
from distill_platform.refinery.stage import code_version
from distill_platform.refinery.streams import Category, Stream, StreamClass
from distill_platform.store.lake import Dataset, Lake, file_sha256, read_part
from distill_platform.store.lake.lake import FAILED


@dataclass(frozen=True)
class Proof:
    """One claim, and whether it holds; `detail` says what was found where it does not."""

    claim: str
    holds: bool
    detail: str = ""


def proof(claim: str, holds: bool, otherwise: str) -> Proof:
    """Return a proof whose detail appears only when it does not hold."""
    return Proof(claim, holds, "" if holds else otherwise)


def stored(lake: Lake, place: Place) -> list[Proof]:
    """Return whether a row's file is as published, its partition passed its gates, and its inputs are still current.

    A release is a snapshot: later days do not make it stale.
    """
    manifest = place.dataset.manifest
    gates = proof("its partition passed every gate", manifest.passed, "; ".join(manifest.errors))
    if place.in_release:
        return [file_proof(place), gates]
    failed = lake.folder(manifest.dataset, manifest.partition) / FAILED
    stale = [name for name, read in manifest.inputs.items() if not _current(lake, name, read.version)]
    return [
        file_proof(place),
        gates,
        proof("its latest run did not fail", not failed.exists(), "it did; mend the cause and run again"),
        proof("its inputs are the current ones", not stale, f"changed since: {', '.join(stale)}; run again"),
    ]


def file_proof(place: Place) -> Proof:
    """Return whether the file a row lies in has the hash its manifest names."""
    found = file_sha256(place.path) if place.path.is_file() else "no file"
    claim = "its file has the SHA-256 that the manifest names"
    return proof(claim, found == place.part.sha256, f"found {found[:16]}, published as {place.part.sha256[:16]}")


def _current(lake: Lake, name: str, version: str) -> bool:
    dataset, _, partition = name.partition("/")
    manifest = lake.manifest(dataset, partition) if partition else None
    return not partition or (manifest is not None and manifest.version == version)


@dataclass(frozen=True)
class Source:
    """A source line as it is on disk now; `line` is None where there is none, and `problem` says why."""

    stream: Stream | None
    line: Line | None
    problem: str = ""


def read_source(settings: Settings, provenance: dict[str, Any], stream: str | None) -> Source:
    """Return the line a provenance names; a row that never became evidence does not say of which stream it is."""
    name, number = provenance["source_file"], provenance["line_offset"]
    try:
        for owner, file in _files(settings, stream):
            if file.name == name:
                line = _line_at(file, number, settings)
                return Source(owner, line, "" if line else f"{name} has no row in line {number + 1} any more")
    except DistillError as error:
        return Source(None, None, str(error))
    return Source(None, None, f"no declared stream reads a file {name} in {settings.data}")


def _files(settings: Settings, stream: str | None) -> Iterator[tuple[Stream, SourceFile]]:
    for owner in settings.streams:
        if stream in (None, owner.name):
            for file in find_files(settings.data, owner.name, owner.config.path):
                yield owner, file


def _line_at(file: SourceFile, number: int, settings: Settings) -> Line | None:
    for batch in read_batches(Chunk(file, 0, file.size), settings.config.ingest):
        if batch.total > number:
            return next((line for line in batch.lines if line.number == number), None)
    return None


def rehashed(source: Source, provenance: dict[str, Any]) -> list[Proof]:
    """Return whether the line on disk has the two hashes that a provenance names."""
    if source.line is None:
        return [Proof("its source line is there", False, source.problem)]
    raw = source.line.sha256 or hashlib.sha256(source.line.raw).hexdigest()
    proofs = [_equal("raw_sha256 is the hash of the line's bytes", raw, provenance["raw_sha256"])]
    if provenance["sig_hash"] is not None:
        claim = f"sig_hash is the hash of its canonical form ({provenance['canon']})"
        proofs.append(_equal(claim, _sig_hash(source.line.raw), provenance["sig_hash"]))
    return proofs


def _sig_hash(raw: bytes) -> str:
    try:
        return canon.sig_hash(canon.parse(raw))
    except CanonError as error:
        return error.reason


def _equal(claim: str, found: str, wanted: str) -> Proof:
    return proof(claim, found == wanted, f"the line hashes to {found[:16]}, the record says {wanted[:16]}")


def _outcomes(source: Source) -> list[Outcome]:
    if source.line is None or source.stream is None:
        return []
    return list(outcomes(source.line, Mapper(source.stream), source.stream.transform))


def remapped(source: Source, wanted: str) -> Proof:
    """Return whether the line, mapped anew as its stream declares, gives a record with this id."""
    found = [evidence_id(o.found, o.sig_hash or "") for o in _outcomes(source) if isinstance(o.found, Mapped)]
    given = ", ".join(record[:16] for record in found[:4]) or "no record"
    return proof("the line, mapped anew, gives this evidence_id", wanted in found, f"the line now gives {given}")


def refused_again(source: Source, reason: str) -> Proof:
    """Return whether the line, read and mapped anew, is refused for the same reason."""
    found = _outcomes(source)
    reasons = {outcome.found.reason for outcome in found if not isinstance(outcome.found, Mapped)}
    if any(isinstance(outcome.found, Mapped) for outcome in found):
        reasons |= {"future_timestamp", "duplicate_id"} & {reason}
    given = ", ".join(sorted(reasons)) or "a record"
    return proof(f"the line, read anew, is refused again: {reason}", reason in reasons, f"the line now gives {given}")


def rejudged(settings: Settings, evidence: Place, scored: Dataset, verdict: Verdict) -> Proof:
    """Return whether the stream's rules, or the task's verdict-bearing records, give the same verdict again."""
    row = evidence.row
    claim = "judged anew, the record gets the same verdict"
    stream = {stream.name: stream for stream in settings.streams}.get(row["source"][0].as_py())
    if stream is None:
        return Proof(claim, False, "its stream is no longer declared")
    if stream.config.stream_class is StreamClass.EXTRACTION:
        found = inherited(settings, [scored], row["task_id"][0].as_py())
    else:
        found = judge_for(stream)(next(lookups(row, stream)))
    return proof(claim, found == verdict, f"the rules now say {found.category} ({', '.join(found.reasons)})")


def inherited(settings: Settings, days: Sequence[Dataset], task: str) -> Verdict:
    """Return what a record without a verdict of its own inherits on its task over the scored runs of some days."""
    return inherit([Category(category) for day in days for _, category in parents(settings, day, task)])


def parents(settings: Settings, scored: Dataset, task: str) -> list[tuple[str, str]]:
    """Return (evidence_id, category) of the verdict-bearing records of a task on a day."""
    found: list[tuple[str, str]] = []
    for path in scored.paths("runs"):
        rows = read_part(path, ["evidence_id", "task_id", "source", "category"])
        bearing = pc.is_in(rows["source"], pa.array(verdict_streams(settings), pa.string()))
        rows = rows.filter(pc.and_(bearing, pc.equal(rows["task_id"], task)))
        found += zip(rows["evidence_id"].to_pylist(), rows["category"].to_pylist(), strict=True)
    return found


def rebuilt(place: Place, row: dict[str, Any], records: Sequence[tuple[Place, Place]], pii: bool) -> list[Proof]:
    """Return whether the exporter makes the same row again, id and all, from its (evidence, screened texts) records."""
    note = "" if place.dataset.manifest.code_version == code_version() else "; the code has changed since, run again"
    claims = ("exported anew, the row has the same id", "exported anew, the row is the same in every field")
    found: dict[str, Any] = {}
    for redact in (pii, not pii):
        found = _exported(place.corpus, row, records, redact).to_pylist()[0]
        if found == row:
            break
    wrong = ", ".join(name for name in row if found[name] != row[name])
    return [
        proof(claims[0], found["id"] == row["id"], f"gives {found['id'][:16]}{note}"),
        proof(claims[1], found == row, f"differs in {wrong}{note}"),
    ]


def _exported(corpus: str, row: dict[str, Any], records: Sequence[tuple[Place, Place]], pii: bool) -> pa.Table:
    sides = [redacted(evidence.row, screened.row, pii) for evidence, screened in records]
    ranks = [np.array([Category(name).rank]) for name in categories(corpus, row)]
    validation = np.array([row["split"] == "validation"])
    if corpus == "preference_corpus":
        places = np.array([0]), np.array([1])
        return preference_table(joined(sides), places, (ranks[0], ranks[1]), validation, pii=pii)
    return sample_table(corpus, sides[0], ranks[0], validation, pii=pii)


_SAYS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "rag_corpus": lambda row: [row["success_score"]],
    "sft_corpus": lambda row: [row["quality_score"]],
    "kto_corpus": lambda row: ["accepted" if row["label"] else "rejected"],
    "preference_corpus": lambda row: row["reason"].split("_over_"),
}


def categories(corpus: str, row: dict[str, Any]) -> list[str]:
    """Return what an exported row says of the verdict on each record it was made from."""
    return _SAYS[corpus](row)
