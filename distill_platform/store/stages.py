"""Stages: what a pipeline is made of, declared once, and what it means to run some of it.

Both doors use it: the terminal runs all stages in a row, Dagster makes an asset of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from distill_platform.core.errors import DistillError, GateRefused
from distill_platform.store import receipts as receipting
from distill_platform.store.lake import Lake, Manifest
from distill_platform.store.receipts import StageReceipt


class Workplace(Protocol):
    """What a stage works in: a lake at least."""

    @property
    def lake(self) -> Lake:
        """Return the lake that is written to."""
        ...


Place = TypeVar("Place", bound=Workplace)
StageWork = Callable[[Place, Sequence[str], Sequence[str]], list[Manifest]]


Progress = Callable[[str, int, int], None]
"""Told the stage, how many of its partitions are done, and of how many."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Show nothing: the default for `progress`."""


def _each_day(days: Sequence[str]) -> list[str]:
    return list(days)


@dataclass(frozen=True)
class Stage(Generic[Place]):
    """One stage: what it reads, what it is for, and the work that makes its partitions for a range of days.

    Neighbouring stages with the same `work` are made in one go: it is told which of them to make, then the days.
    `partitions` says which partitions a run over some days makes: those days, unless it is told otherwise.
    """

    name: str
    upstream: tuple[str, ...]
    work: StageWork[Place]
    description: str
    partitions: Callable[[Sequence[str]], list[str]] = _each_day


@dataclass(frozen=True)
class StepRun:
    """What the stages of one step did over a range of days."""

    manifests: tuple[Manifest, ...]
    receipts: tuple[StageReceipt, ...]


def _no_sources(_place: Any, _names: Sequence[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Pipeline(Generic[Place]):
    """The stages in order, the version of the code behind them, and the SHA-256 of the source files that some read."""

    stages: tuple[Stage[Place], ...]
    code_version: Callable[[], str]
    sources: Callable[[Place, Sequence[str]], Mapping[str, str]] = _no_sources

    def run_step(self, place: Place, step: Sequence[Stage[Place]], days: Sequence[str], run_id: str) -> StepRun:
        """Return what stages made in one go published, after writing their receipts.

        When they raise, their partitions are marked failed, receipts say why, and the error goes on: nobody reads the
        older state as if it were current.
        """
        started_at, clock = datetime.now(UTC), time.perf_counter()
        names = [stage.name for stage in step]
        try:
            manifests = step[0].work(place, names, days)
        except Exception as error:
            for stage in step:
                took = time.perf_counter() - clock
                self._write_failure(place.lake, stage, days, run_id, started_at, took, error)
            raise
        share = (time.perf_counter() - clock) / max(len(manifests), 1)
        sources = self.sources(place, names)
        receipts = [receipting.receipt_of(manifest, run_id, started_at, share, sources) for manifest in manifests]
        for name in names:
            own = [receipt for receipt in receipts if receipt.stage == name]
            receipting.write_receipts(place.lake, run_id, name, own)
        return StepRun(tuple(manifests), tuple(receipts))

    def _write_failure(
        self,
        lake: Lake,
        stage: Stage[Place],
        days: Sequence[str],
        run_id: str,
        at: datetime,
        took: float,
        error: Exception,
    ) -> None:
        message, version = f"{type(error).__name__}: {error}", self.code_version()
        try:
            made = stage.partitions(days)
            for partition in made:
                lake.mark_failed(stage.name, partition, message)
            failures = [
                receipting.failed_receipt(stage.name, partition, run_id, at, took, message, version)
                for partition in made
            ]
            receipting.write_receipts(lake, run_id, stage.name, failures)
        except DistillError:
            return  # the disk that refused the stage refuses its receipts too; the first error is the one to show


def steps(stages: Iterable[Stage[Place]]) -> list[tuple[Stage[Place], ...]]:
    """Return the stages in order, those that are made in one go together."""
    return [tuple(together) for _, together in groupby(stages, key=attrgetter("work"))]


def refuse_failed(manifests: Iterable[Manifest]) -> None:
    """Raise GateRefused when any of the published partitions has not passed its blocking checks."""
    failed = [manifest for manifest in manifests if not manifest.passed]
    if failed:
        errors = "; ".join(f"{m.dataset}[{m.partition}] {error}" for m in failed for error in m.errors[:3])
        raise GateRefused(f"{len(failed)} partitions did not pass: {errors}", hint="Mend the cause, then run again")
