"""What every stage shares: the context it runs in, the laws it is held against, and how it publishes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import distill_platform
from distill_platform.core.errors import CorruptDataset, StaleInput
from distill_platform.core.workers import Workers
from distill_platform.refinery.schemas import TABLES
from distill_platform.refinery.settings import Settings
from distill_platform.store.lake import Check, Counts, Dataset, Draft, Input, Lake, Manifest, Part
from distill_platform.store.lake.parts import read_part

SMALL_BYTES = 32 * 2**20
Progress = Callable[[str, int, int], None]


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Show nothing: the default for `progress`."""


@dataclass(frozen=True)
class Refinery:
    """Everything a stage may use: settings, lake, workers, and the clock's reading when the run began."""

    settings: Settings
    lake: Lake
    workers: Workers
    now: datetime
    progress: Progress = field(default=no_progress)


@contextmanager
def open_refinery(settings: Settings, *, now: datetime, progress: Progress = no_progress) -> Iterator[Refinery]:
    """Open the refinery that the settings describe; its worker processes end with the context.

    For small sources there are none: starting processes would take longer than the work.
    """
    with Workers(settings.config.workers if _bytes_below(settings.data) > SMALL_BYTES else 1) as workers:
        yield Refinery(settings, Lake(settings.lake), workers, now, progress)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@cache
def code_version() -> str:
    """Return the package's version and a digest of the code that computes: core, store and refinery."""
    root = Path(distill_platform.__file__).parent
    digest = hashlib.sha256()
    for room in ("core", "store", "refinery"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{distill_platform.__version__}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Staged:
    """A partition whose tables are written and whose laws are about to be checked."""

    draft: Draft
    inputs: Mapping[str, Input]
    config_hash: str
    counts: Counts
    checks: Sequence[Check] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def publish(lake: Lake, staged: Staged) -> Manifest:
    """Return the manifest of a partition after holding it against the laws every stage obeys, and publishing it."""
    draft = staged.draft.bound_to(lake)
    about = {"inputs": dict(staged.inputs), "code_version": code_version(), "config_hash": staged.config_hash}
    prior = _prior(lake, draft)
    preview = draft.preview(**about, counts=staged.counts, checks=())
    checks = [conservation(staged.counts), _schema(draft, preview), determinism(prior, preview), *staged.checks]
    return draft.publish(**about, counts=staged.counts, checks=checks, extra=dict(staged.extra))  # type: ignore[arg-type]


def _prior(lake: Lake, draft: Draft) -> Manifest | None:
    try:
        return lake.manifest(draft.dataset, draft.partition)
    except CorruptDataset:
        return None  # about to be replaced by a whole one


def check(name: str, description: str, observed: float, *, allowed: float = 0, sample: Iterable[str] = ()) -> Check:
    """Return a blocking check that holds while `observed` does not exceed `allowed`."""
    return Check(name, observed <= allowed, True, observed, allowed, description, tuple(sample)[:5])


def conservation(counts: Counts) -> Check:
    """Return the check of law 1: every row that came in went somewhere."""
    gone = sum(counts.skipped.values()) + sum(counts.quarantined.values())
    lost = counts.rows_in - counts.rows_out - counts.deduplicated - gone
    return check("conservation", "rows in that are neither out, deduplicated, skipped nor quarantined", abs(lost))


def _schema(draft: Draft, preview: Manifest) -> Check:
    """Re-read the footer of every part: declared columns and types, and as many rows as were counted."""
    wrong = []
    for table, schema in TABLES[draft.dataset].items():
        for part in preview.tables[table].parts:
            footer = pq.read_metadata(draft.folder / part.path)
            if not footer.schema.to_arrow_schema().equals(schema) or footer.num_rows != part.rows:
                wrong.append(part.path)
    return check("schema", "files whose columns, types or row counts are not those declared", len(wrong), sample=wrong)


def determinism(prior: Manifest | None, new: Manifest) -> Check:
    """Return the check that the same work as last time gave the same content."""
    same_work = (
        prior is not None
        and prior.input_hash == new.input_hash
        and prior.code_version == new.code_version
        and prior.config_hash == new.config_hash
    )
    violated = same_work and prior is not None and prior.content_hash != new.content_hash
    description = "different content from the same input, code and configuration as last time"
    return check("determinism", description, int(violated))


def same_keys(evidence: Dataset, draft: Draft, table: str) -> Check:
    """Return the check, by reading both sides again, that a table has exactly the evidence's records, in its order."""
    given = [read_part(path, ["evidence_id"])["evidence_id"] for path in evidence.paths("records")]
    taken = [read_part(draft.folder / part.path, ["evidence_id"])["evidence_id"] for part in draft.parts(table)]
    wrong = abs(len(given) - len(taken)) + sum(not a.equals(b) for a, b in zip(given, taken, strict=False))
    return check("provenance", "parts whose rows are not exactly those of the evidence, in its order", wrong)


DayWork = Callable[[Refinery, Sequence[Draft]], Sequence[Staged]]


@dataclass(frozen=True)
class _DayTask:
    settings: Settings
    now: datetime
    work: DayWork
    lake: Lake
    drafts: tuple[Draft, ...]


def publish_days(refinery: Refinery, datasets: Sequence[str], days: Sequence[str], work: DayWork) -> list[Manifest]:
    """Return the published manifests of `days`, the datasets of each day staged together by `work` into its drafts.

    Many days are spread over the workers, a day each; a single day may spread its parts. What comes out is the same.
    """
    if refinery.workers.count == 1 or len(days) == 1:
        published = [_publish_day(refinery, datasets, day, work, (done, len(days))) for done, day in enumerate(days, 1)]
        return [manifest for manifests in published for manifest in manifests]
    with ExitStack() as stack:
        tasks = [
            _DayTask(refinery.settings, refinery.now, work, refinery.lake, _drafts(stack, refinery.lake, datasets, day))
            for day in days
        ]
        manifests: list[Manifest] = []
        for done, staged in enumerate(refinery.workers.map(_stage_day, tasks), 1):
            manifests += _published(refinery, staged, (done, len(days)))
        return manifests


def _drafts(stack: ExitStack, lake: Lake, datasets: Sequence[str], day: str) -> tuple[Draft, ...]:
    return tuple(stack.enter_context(lake.draft(dataset, day)) for dataset in datasets)


def _publish_day(
    refinery: Refinery, datasets: Sequence[str], day: str, work: DayWork, at: tuple[int, int]
) -> list[Manifest]:
    with ExitStack() as stack:
        return _published(refinery, work(refinery, _drafts(stack, refinery.lake, datasets, day)), at)


def _published(refinery: Refinery, staged: Iterable[Staged], at: tuple[int, int]) -> list[Manifest]:
    manifests = [publish(refinery.lake, one) for one in staged]
    for manifest in manifests:
        refinery.progress(manifest.dataset, *at)
    return manifests


def _stage_day(task: _DayTask) -> Sequence[Staged]:
    """Return one day staged by a worker, in the folders that the parent opened for it."""
    return task.work(Refinery(task.settings, task.lake, Workers(1), task.now), task.drafts)


def open_input(refinery: Refinery, dataset: str, partition: str) -> Dataset:
    """Return an input that passed, is current and was made under the settings of this run; StaleInput if it was not."""
    opened = refinery.lake.open(dataset, partition)
    if opened.manifest.config_hash != refinery.settings.hash_of(dataset):
        hint = f"Materialize {dataset} for {partition} again"
        raise StaleInput(f"{dataset}[{partition}] was made under another configuration", hint=hint)
    return opened


def joined(*columns: pa.ChunkedArray) -> bytes:
    """Return the rows of string columns as one run of bytes, values and rows apart: what a content hash covers."""
    filled = [pc.fill_null(column, "") for column in columns]
    rows = pc.binary_join_element_wise(*filled, "\n", "\x1f")
    return b"".join(_bytes_of(chunk) for chunk in (rows.chunks if isinstance(rows, pa.ChunkedArray) else [rows]))


def _bytes_of(strings: pa.StringArray) -> bytes:
    offsets = np.frombuffer(strings.buffers()[1], np.int32)[strings.offset : strings.offset + len(strings) + 1]
    data = strings.buffers()[2]
    return bytes(memoryview(data)[offsets[0] : offsets[-1]]) if len(strings) and data is not None else b""


@dataclass(frozen=True)
class Written:
    """A part as a worker wrote it, with the hashes of its rows in order, or for side tables what stands for them."""

    part: Part
    row_hashes: bytes


def add_table(draft: Draft, table: str, written: Sequence[Written]) -> None:
    """Declare a table of a draft from its parts; the content hash covers the rows' hashes, not the files."""
    digest = hashlib.sha256()
    for piece in written:
        digest.update(piece.row_hashes)
        if not piece.part.rows:
            (draft.folder / piece.part.path).unlink()
    draft.add(table, [piece.part for piece in written if piece.part.rows], digest.hexdigest())


def as_input(manifest: Manifest) -> Input:
    """Return how a stage remembers what it read."""
    return Input(manifest.version, manifest.content_hash)


def same_rows(left: Sequence[Part], right: Sequence[Part], what: str) -> None:
    """Raise CorruptDataset unless two tables that go row by row together are cut alike."""
    if [part.rows for part in left] != [part.rows for part in right]:
        raise CorruptDataset(f"{what} are not cut alike", hint="Materialize the later one again")
