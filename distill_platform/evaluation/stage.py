"""What every stage shares: the place it works in, and how it publishes a day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from distill_platform.core import canon
from distill_platform.evaluation.inbox.bundle_store import BundleStore
from distill_platform.evaluation.measured import Measurer
from distill_platform.evaluation.schemas import TABLES
from distill_platform.evaluation.settings import EvaluationSettings
from distill_platform.store import code
from distill_platform.store.lake import Check, Counts, Dataset, Draft, Input, Lake, Manifest
from distill_platform.store.lake.parts import write_part
from distill_platform.store.lake.publishing import Staged, Written, add_table, as_input, joined, publish
from distill_platform.store.ledger import Ledger, open_ledger

Row = Mapping[str, Any]
Progress = Callable[[str, int, int], None]


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Show nothing: the default for `progress`."""


@dataclass(frozen=True)
class Evaluation:
    """Everything a stage may use: settings, lake, ledger, sealed bundles, the clock's reading when the run began."""

    settings: EvaluationSettings
    lake: Lake
    ledger: Ledger
    bundles: BundleStore
    measurer: Measurer
    now: datetime
    progress: Progress = field(default=no_progress)


@contextmanager
def open_evaluation(
    settings: EvaluationSettings, *, now: Callable[[], datetime], progress: Progress = no_progress
) -> Iterator[Evaluation]:
    """Open the evaluation that the settings describe; its ledger is closed with the context."""
    ledger = open_ledger(settings.ledger.url, clock=now, anchors=settings.ledger.anchors)
    try:
        bundles = BundleStore(settings.lake / "bundles")
        measurer = Measurer(bundles, settings.worlds.known)
        yield Evaluation(settings, Lake(settings.lake), ledger, bundles, measurer, now(), progress)
    finally:
        ledger.close()


def code_version() -> str:
    """Return the package's version and a digest of the code that computes verdicts."""
    return code.code_version("core", "stats", "store", "policy", "strategies", "evaluation")


@dataclass(frozen=True)
class DayTables:
    """What a stage makes of one day: its tables, as rows or, where there are many, whole; what it read and found."""

    tables: Mapping[str, Sequence[Row] | pa.Table]
    inputs: Mapping[str, Input]
    counts: Counts
    checks: Sequence[Check] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def publish_day(evaluation: Evaluation, dataset: str, day: str, made: DayTables) -> Manifest:
    """Return the manifest of one day of a dataset after writing its tables and holding them against the laws."""
    schemas = TABLES[dataset]
    with evaluation.lake.draft(dataset, day) as draft:
        for table, schema in schemas.items():
            add_table(draft, table, [_written(draft, table, made.tables[table], schema)])
        config_hash = evaluation.settings.hash_of(dataset)
        staged = Staged(draft, made.inputs, config_hash, made.counts, made.checks, made.extra)
        return publish(evaluation.lake, staged, schemas, code_version())


def _written(draft: Draft, table: str, rows: Sequence[Row] | pa.Table, schema: pa.Schema) -> Written:
    if isinstance(rows, pa.Table):
        built, digests = rows.cast(schema), _columns_digest(rows)
    else:
        built = pa.Table.from_pylist([dict(row) for row in rows], schema)
        digests = b"".join(_row_digest(row) for row in built.to_pylist())
    return Written(write_part(draft.part_path(table, 0), built), digests)


def _columns_digest(table: pa.Table) -> bytes:
    """Return one hash that stands for all rows, column by column: a hash of each would take longer than making them."""
    digest = hashlib.sha256()
    for column in table.columns:
        text = pa.types.is_string(column.type)
        digest.update(joined(column) if text else column.to_numpy().tobytes())
    return digest.digest()


def _row_digest(row: Row) -> bytes:
    return hashlib.sha256(repr(sorted(row.items())).encode()).digest()


def opened_day(evaluation: Evaluation, dataset: str, day: str) -> tuple[Dataset, dict[str, Input]]:
    """Return a day of a dataset that may be read, and how to remember that it was."""
    opened = evaluation.lake.open(dataset, day)
    return opened, {f"{dataset}/{day}": as_input(opened.manifest)}


def rows_of(opened: Dataset, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table, in order."""
    read = opened.read(table)
    return read.to_pylist() if read is not None else []


def ledger_input(bodies: Iterable[Mapping[str, Any]]) -> Input:
    """Return how a stage remembers what it read from the ledger: the hash of the bodies, in any order."""
    digest = canon.sig_hash(sorted(canon.sig_hash(dict(body)) for body in bodies))
    return Input(digest, digest)
