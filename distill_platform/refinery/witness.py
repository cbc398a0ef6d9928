"""The witness: reads the source files a second time and holds the staged evidence against them, row by row.

Two laws are proved here for all rows, not for a sample: every row's source line re-hashes to the row's `raw_sha256`
(provenance), and every line of every file is accounted for (conservation by line).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa

from distill_platform.refinery.lines import read_batches
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import Chunk
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Check, Draft
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.parts import read_part

Hashes = np.ndarray[tuple[int], np.dtype[np.void]]
Lines = np.ndarray[tuple[int], np.dtype[np.int64]]
Origin = tuple[str, str]


@dataclass(frozen=True)
class Testimony:
    """What one chunk's lines say: rows whose line is missing or hashes differently, and lines seen."""

    wrong: tuple[int, ...]
    lines: int


@dataclass(frozen=True)
class WitnessTask:
    """A chunk and the claims over it: `lines` (counted from the chunk's start) and their 32-byte hashes."""

    chunk: Chunk
    limits: IngestSettings
    lines: Lines
    hashes: Hashes


@dataclass(frozen=True)
class _Claims:
    """Every row's claim over one file, sorted by line; `owner` is the number of the partition that claims."""

    lines: Lines
    hashes: Hashes
    owner: Lines


def testify(
    refinery: Refinery, drafts: Sequence[Draft], chunks: Sequence[tuple[Chunk, int]], elsewhere: int
) -> dict[str, list[Check]]:
    """Return the checks `provenance` and `no_line_lost` of every draft, by partition."""
    claims = _claims(refinery, drafts)
    covered = sum(len(np.unique(claim.lines)) for claim in claims.values())
    wrong: dict[int, list[str]] = defaultdict(list)
    seen = 0
    tasks = list(_tasks(refinery, claims, chunks))
    for done, ((task, first, claim), testimony) in enumerate(
        zip(tasks, refinery.workers.map(_testimony, (task for task, _, _ in tasks)), strict=True), start=1
    ):
        seen += testimony.lines
        for index in testimony.wrong:
            owner = int(claim.owner[first + index]) if claim is not None else 0
            wrong[owner].append(f"{task.chunk.file.name}:{int(claim.lines[first + index]) if claim else 0}")
        refinery.progress("evidence: verify", done, len(tasks))
    lost = abs(seen - covered - elsewhere)
    return {draft.partition: _checks(wrong[number], lost) for number, draft in enumerate(drafts)}


def _checks(wrong: list[str], lost: int) -> list[Check]:
    return [
        check("provenance", "rows whose source line does not re-hash to their raw_sha256", len(wrong), sample=wrong),
        check("no_line_lost", "lines of the source files that are neither a record, dropped nor of another day", lost),
    ]


def _tasks(
    refinery: Refinery, claims: dict[Origin, _Claims], chunks: Sequence[tuple[Chunk, int]]
) -> Iterator[tuple[WitnessTask, int, _Claims | None]]:
    limits = refinery.settings.config.ingest
    for number, (chunk, first_line) in enumerate(chunks):
        following = chunks[number + 1] if number + 1 < len(chunks) else None
        last_line = following[1] if following and following[0].start else np.iinfo(np.int64).max
        claim = claims.get((chunk.file.stream, chunk.file.name))
        low, high = np.searchsorted(claim.lines, [first_line, last_line]) if claim else (0, 0)
        lines = claim.lines[low:high] - first_line if claim else np.empty(0, np.int64)
        hashes = claim.hashes[low:high] if claim else np.empty(0, "V32")
        yield WitnessTask(chunk, limits, lines, hashes), int(low), claim


def _testimony(task: WitnessTask) -> Testimony:
    """Return what the chunk's lines, read and hashed anew, say of the claims over them."""
    numbers: list[int] = []
    found: list[bytes] = []
    sha256 = hashlib.sha256
    for batch in read_batches(task.chunk, task.limits):
        numbers += batch.numbers
        found += [sha256(raw).digest() for raw in batch.raw]
        for line in batch.refused:
            numbers.append(line.number)
            found.append(bytes.fromhex(line.sha256) if line.sha256 else sha256(line.raw).digest())
    known = np.array(numbers, np.int64)
    order = np.argsort(known, kind="stable")
    known, hashes = known[order], np.frombuffer(b"".join(found), "V32")[order]
    place = np.searchsorted(known, task.lines)
    inside = place < len(known)
    place = np.where(inside, place, 0)
    right = inside & (known[place] == task.lines) & (hashes[place] == task.hashes) if len(known) else inside
    return Testimony(tuple(int(index) for index in np.flatnonzero(~right)), len(known))


def _claims(refinery: Refinery, drafts: Sequence[Draft]) -> dict[Origin, _Claims]:
    """Return the claims of every staged row, re-read from what was written, by stream and source file."""
    pieces: dict[Origin, list[tuple[Lines, Hashes, Lines]]] = defaultdict(list)
    parts = [(n, path) for n, draft in enumerate(drafts) for path in sorted(draft.folder.glob("*/part-*.parquet"))]
    claimed = refinery.workers.map(_claimed, (path for _, path in parts))
    for (owner, _), found in zip(parts, claimed, strict=True):
        for origin, lines, hashes in found:
            pieces[origin].append((lines, hashes, np.full(len(lines), owner, np.int64)))
    return {origin: _sorted(found) for origin, found in pieces.items()}


def _claimed(part: Path) -> list[tuple[Origin, Lines, Hashes]]:
    """Return what the rows of a written part say they come from."""
    return list(_by_origin(read_part(part, ["source", "provenance"])))


def _by_origin(rows: pa.Table) -> Iterator[tuple[Origin, Lines, Hashes]]:
    provenance = rows["provenance"].combine_chunks()
    streams = rows["source"].combine_chunks().dictionary_encode()
    files = provenance.field("source_file").dictionary_encode()
    lines = provenance.field("line_offset").to_numpy(zero_copy_only=False)
    raw = np.frombuffer(bytes.fromhex("".join(provenance.field("raw_sha256").to_pylist())), "V32")
    which = [column.indices.to_numpy(zero_copy_only=False) for column in (streams, files)]
    for stream, name in product(range(len(streams.dictionary)), range(len(files.dictionary))):
        chosen = (which[0] == stream) & (which[1] == name)
        if chosen.any():
            yield (streams.dictionary[stream].as_py(), files.dictionary[name].as_py()), lines[chosen], raw[chosen]


def _sorted(parts: list[tuple[Lines, Hashes, Lines]]) -> _Claims:
    lines, hashes, owner = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(lines, kind="stable")
    return _Claims(lines[order], hashes[order], owner[order])
