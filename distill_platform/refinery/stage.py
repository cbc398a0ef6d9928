"""What every stage shares: the context it runs in, the laws it is held against, and how it publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from distill_platform.core.errors import CorruptDataset, StaleInput
from distill_platform.core.workers import Workers
from distill_platform.refinery.schemas import TABLES
from distill_platform.refinery.settings import Settings
from distill_platform.store import code
from distill_platform.store.lake import Check, Dataset, Draft, Lake, Manifest, Part, publishing
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.parts import read_part
from distill_platform.store.lake.publishing import Staged
from distill_platform.store.stages import Progress, no_progress

SMALL_BYTES = 32 * 2**20


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


def code_version() -> str:
    """Return the package's version and a digest of the code that computes: core, store and refinery."""
    return code.code_version("core", "store", "refinery")


def publish(lake: Lake, staged: Staged) -> Manifest:
    """Return the manifest of a partition of the refinery after publishing it under the laws every stage obeys."""
    return publishing.publish(lake, staged, TABLES[staged.draft.dataset], code_version())


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


def same_rows(left: Sequence[Part], right: Sequence[Part], what: str) -> None:
    """Raise CorruptDataset unless two tables that go row by row together are cut alike."""
    if [part.rows for part in left] != [part.rows for part in right]:
        raise CorruptDataset(f"{what} are not cut alike", hint="Materialize the later one again")
