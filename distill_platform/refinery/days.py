"""Days: which days the source files hold rows of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.refinery.lines import read_batches
from distill_platform.refinery.mapping import Mapper, Refused
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import Chunk, chunks, find_files
from distill_platform.refinery.stage import Refinery
from distill_platform.refinery.streams import Stream, cached_stream


@dataclass(frozen=True)
class _Task:
    chunk: Chunk
    stream: Path
    limits: IngestSettings


def span_of_days(refinery: Refinery) -> list[str]:
    """Return the days, in order, on which any row of the declared streams happened; days to come are left out.

    Days without a row are left out too: one wrong time stamp of 1970 does not make twenty thousand empty partitions.
    """
    settings = refinery.settings
    tasks = [
        _Task(chunk, stream.file, settings.config.ingest)
        for stream in settings.streams
        for file in find_files(settings.data, stream.name, stream.config.path)
        for chunk in chunks(file)
    ]
    found: set[str] = set()
    for done, days in enumerate(refinery.workers.map(_days_of, tasks), start=1):
        found |= days
        refinery.progress("days in the sources", done, len(tasks))
    today = refinery.now.date().isoformat()
    return sorted(day for day in found if day <= today)


def _days_of(task: _Task) -> set[str]:
    """Return the days of one chunk's rows; what cannot be read or dated belongs to no day."""
    stream = cached_stream(task.stream)
    mapper = Mapper(stream)
    days: set[str] = set()
    for batch in read_batches(task.chunk, task.limits):
        for line in batch.lines:
            for row in () if line.refused else _rows(stream, line.raw):
                try:
                    days.add(mapper.moment(row).strftime("%Y-%m-%d"))
                except Refused:
                    continue
    return days


def _rows(stream: Stream, raw: bytes) -> Iterator[Any]:
    try:
        row = canon.parse(raw)
        yield from [row] if stream.transform is None else list(stream.transform(row))
    except CanonError:
        return
    except Exception:  # noqa: BLE001 - the hook is the user's; ingestion quarantines the row with what it said
        return
