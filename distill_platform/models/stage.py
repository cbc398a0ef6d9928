"""What every stage of the models shares: the place it works in, what it reads, and how it publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Concatenate, ParamSpec, TypeVar

import pyarrow as pa

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import DistillError, LedgerError, LineRefused
from distill_platform.core.workers import Workers
from distill_platform.models.artifacts.store import ArtifactStore
from distill_platform.models.line import ModelLine
from distill_platform.models.schemas import PER_LINE, TABLES
from distill_platform.models.settings import ModelSettings
from distill_platform.store import code
from distill_platform.store.lake import Dataset, Input, Lake, Manifest
from distill_platform.store.lake.tables import MadeTables, Making, open_where_published, publish_tables, rows_of
from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.store.stages import Progress, no_progress

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Models:
    """Everything a stage may use: what is declared, the lake, the ledger, processes, and the clock."""

    settings: ModelSettings
    lake: Lake
    ledger: Ledger
    workers: Workers
    clock: Callable[[], datetime]
    progress: Progress = field(default=no_progress)

    @property
    def lines(self) -> Sequence[ModelLine]:
        """Return the lines that can be accepted, by name."""
        return list(self.settings.lines.known.values())

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """Return the sealed models; the keys that sign them are made on first use."""
        from distill_platform.models.artifacts.signing import open_keys

        return ArtifactStore(self.lake.root / "models", open_keys(self.settings.keys))


@contextmanager
def open_models(
    settings: ModelSettings, *, now: Callable[[], datetime], progress: Progress = no_progress
) -> Iterator[Models]:
    """Open the models that the settings declare; their ledger and processes are closed with the context."""
    with (
        open_ledger(settings.ledger.url, clock=now, anchors=settings.ledger.anchors) as ledger,
        Workers(settings.workers) as workers,
    ):
        yield Models(settings, Lake(settings.lake), ledger, workers, now, progress)


def code_version() -> str:
    """Return the package's version and a digest of the code that makes models."""
    return code.code_version("core", "stats", "store", "policy", "strategies", "feeds", "models")


def publish(models: Models, dataset: str, partition: str, made: MadeTables, **own: pa.Schema) -> Manifest:
    """Return the manifest of one partition after writing its tables and holding them against the laws.

    `own` are the schemas of tables that only this partition has: one for each line. Why lines were refused may lie
    outside of what was read, in the ledger or in damaged files, so it counts as read: it breaks no determinism.
    """
    refused = [dict(row) for row in made.tables.get("refused", ())]
    if refused:
        digest = sig_hash(refused)
        made = replace(made, inputs={**made.inputs, "refused_lines": Input(digest, digest)})
    making = Making({**(TABLES | PER_LINE)[dataset], **own}, models.settings.lines_hash, code_version())
    return publish_tables(models.lake, dataset, partition, made, making)


def read_partitions(
    models: Models, dataset: str, table: str, schema: pa.Schema, partitions: Iterable[str]
) -> tuple[pa.Table, dict[str, Input]]:
    """Return the rows of a table over some partitions, in order, and how to remember what was there and what was not.

    A partition that was never published has no rows; one that may not be read raises what `Lake.open` does.
    """
    read = [schema.empty_table()]
    inputs: dict[str, Input] = {}
    for partition in partitions:
        found, remembered = open_where_published(models.lake, dataset, partition)
        inputs |= remembered
        rows = found.read(table) if found is not None and table in found.manifest.tables else None
        if rows is not None:
            read.append(rows)
    return pa.concat_tables(read), inputs


@dataclass(frozen=True)
class LineFailure:
    """A line that a stage could not work on, and why; it stops no other."""

    line: str
    reason: str

    def row(self) -> dict[str, str]:
        """Return it as a row of a table of refusals."""
        return {"line": self.line, "reason": self.reason}


def each_line(
    models: Models, work: Callable[Concatenate[Models, ModelLine, P], R], *given: P.args, **named: P.kwargs
) -> tuple[dict[str, R], list[LineFailure]]:
    """Return what the work made of every line, and the lines that it could not work on, broken files among them.

    The work is given the models, the line, and what else is passed here.

    A ledger or worker processes that fail are no line's fault: nothing is published then. Nor is an error that is not
    one of ours.
    """
    failures = [LineFailure(name, reason) for name, reason in models.settings.lines.broken.items()]
    made: dict[str, R] = {}
    for line in models.lines:
        try:
            made[line.name] = work(models, line, *given, **named)
        except LineRefused as error:
            failures.append(LineFailure(line.name, error.message))
        except LedgerError:
            raise
        except DistillError as error:
            if type(error) is DistillError:
                raise
            failures.append(LineFailure(line.name, f"{type(error).__name__}: {error}"))
    return made, failures


def refused_before(found: Dataset, line: ModelLine) -> LineRefused:
    """Return what to raise for a line of which an earlier stage has nothing: the reason that the first one gave."""
    reasons = {row["line"]: row["reason"] for row in rows_of(found, "refused")}
    about = found.manifest
    return LineRefused(reasons.get(line.name, f"{about.dataset} of {about.partition} was made before this line was"))


def refusals(failures: Sequence[LineFailure]) -> Mapping[str, int]:
    """Return how many lines were refused, as the quarantine of a stage's counts."""
    return {"line_refused": len(failures)} if failures else {}
