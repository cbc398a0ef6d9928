"""Source changes: on which days the rows of the source files differ from what was seen before.

Content decides, never a time stamp: a file is what its bytes hash to, a day's share of it what its lines and their
places hash to (evidence names both). A file is believed only when it looks the same twice, so one that is still being
written waits, and so does one that is gone only for a moment.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, CorruptDataset
from distill_platform.refinery.file_hashes import GONE
from distill_platform.refinery.ingest import UNDATED
from distill_platform.refinery.lines import Line, read_batches
from distill_platform.refinery.mapping import Mapper, Refused
from distill_platform.refinery.settings import Settings
from distill_platform.refinery.source_files import Chunk, SourceFile, find_files
from distill_platform.refinery.streams import Stream

SCAN_BYTES = 2**30
_MASK = 2**64 - 1


@dataclass(frozen=True)
class SeenFile:
    """A file as it was believed: what its bytes and mapping hash to, and what each day's lines of it hash to."""

    identity: str
    days: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What is known of the source files; `unsettled` holds what looked new when last seen, `waiting` days to come."""

    files: Mapping[str, SeenFile] = field(default_factory=dict)
    unsettled: Mapping[str, str] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return this as canonical JSON."""
        return canon.dumps(asdict(self))

    @staticmethod
    def from_bytes(data: bytes) -> Seen:
        """Return what `to_bytes` wrote; CorruptDataset for anything else."""
        try:
            body = canon.parse(data)
            files = {name: SeenFile(**file) for name, file in body["files"].items()}
            return Seen(files, dict(body["unsettled"]), tuple(body["waiting"]))
        except (CanonError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise CorruptDataset(f"this is not what was seen of the source files: {error}") from None


@dataclass(frozen=True)
class Changes:
    """What to remember, the days that are over and whose rows changed, and the files that have not settled."""

    seen: Seen
    days: tuple[str, ...]
    unsettled: tuple[str, ...]


def look(settings: Settings, seen: Seen, today: str, hash_file: Callable[[Path], str]) -> Changes:
    """Return what changed in the source files since `seen`; days that are not over yet wait until they are."""
    found = dict(_files(settings, hash_file))
    names = sorted({*found, *seen.files})
    new = [name for name in names if found.get(name, _MISSING).identity != seen.files.get(name, _NEVER).identity]
    settled = list(_within_budget([(name, found.get(name, _MISSING)) for name in new], seen.unsettled))
    unsettled = {name: found.get(name, _MISSING).identity for name in new if name not in {n for n, _ in settled}}
    files, changed = dict(seen.files), {*seen.waiting}
    for name, file in settled:
        before, now = files.pop(name, _NEVER), SeenFile(file.identity, _scan(settings, file))
        changed |= {day for day in {*before.days, *now.days} if before.days.get(day) != now.days.get(day)}
        files |= {name: now} if file.identity != GONE else {}
    waiting = tuple(sorted(day for day in changed - {UNDATED} if day >= today))
    return Changes(Seen(files, unsettled, waiting), _due(changed, files, today), tuple(unsettled))


def _within_budget(new: Iterable[tuple[str, _Found]], unsettled: Mapping[str, str]) -> Iterator[tuple[str, _Found]]:
    """Yield the files that look as they did last time, until about SCAN_BYTES; the rest comes with the next look."""
    budget = SCAN_BYTES
    for name, found in new:
        if unsettled.get(name) == found.identity and budget > 0:
            budget -= found.file.size if found.file is not None else 0
            yield name, found


def _due(changed: set[str], files: Mapping[str, SeenFile], today: str) -> tuple[str, ...]:
    """Return the changed days that are over. Rows without a day are taken in by a run of any: the latest known."""
    days = {day for day in changed - {UNDATED} if day < today}
    if UNDATED in changed and not days:
        known = {day for file in files.values() for day in file.days if day != UNDATED and day < today}
        days |= {max(known)} if known else set()
    return tuple(sorted(days))


@dataclass(frozen=True)
class _Found:
    """A file as it looks now; one that is not there has no stream and no file."""

    identity: str
    stream: Stream | None
    file: SourceFile | None


_MISSING = _Found(GONE, None, None)
_NEVER = SeenFile(GONE, {})


def _files(settings: Settings, hash_file: Callable[[Path], str]) -> Iterator[tuple[str, _Found]]:
    for stream in settings.streams:
        for file in find_files(settings.data, stream.name, stream.config.path):
            content = hash_file(file.path)
            if content != GONE:
                identity = canon.sha256_hex(f"{content} {stream.mapping_hash}".encode())
                yield f"{stream.name}/{file.name}", _Found(identity, stream, file)


def _scan(settings: Settings, found: _Found) -> dict[str, str]:
    """Return, per day, one hash over the lines that hold its rows and over their places."""
    if found.stream is None or found.file is None:
        return {}
    sums: defaultdict[str, int] = defaultdict(int)
    mapper = Mapper(found.stream)
    for batch in read_batches(Chunk(found.file, 0, found.file.size), settings.config.ingest):
        for line in batch.lines:
            placed = f"{line.number}:{line.sha256}:".encode() + line.raw
            digest = int.from_bytes(hashlib.blake2b(placed, digest_size=8).digest())
            for day in set(_days(line, found.stream, mapper)):
                sums[day] = (sums[day] + digest) & _MASK
    return {day: f"{total:016x}" for day, total in sorted(sums.items())}


def _days(line: Line, stream: Stream, mapper: Mapper) -> Iterator[str]:
    """Yield the days of the rows that a line holds, by the mapping that ingestion uses."""
    try:
        row = canon.parse(line.raw) if not line.refused else None
    except CanonError:
        row = None
    for part in _parts(row, stream):
        yield _day(part, mapper)


def _parts(row: Any, stream: Stream) -> Iterable[Any]:
    if row is None or stream.transform is None:
        return (row,)
    try:
        return list(stream.transform(row)) or (None,)
    except Exception:  # noqa: BLE001 - a transform is somebody else's code; ingestion quarantines the row
        return (None,)


def _day(row: Any, mapper: Mapper) -> str:
    moment: datetime | None
    try:
        moment = mapper.map(row).moment
    except Refused as error:
        moment = error.moment
    return moment.strftime("%Y-%m-%d") if moment is not None else UNDATED
