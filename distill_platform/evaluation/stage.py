"""What every stage shares: the place it works in, and how it publishes a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from distill_platform.core import canon
from distill_platform.core.workers import Workers
from distill_platform.evaluation.inbox.bundle_store import BundleStore
from distill_platform.evaluation.measured import Measurer
from distill_platform.evaluation.schemas import TABLES
from distill_platform.evaluation.settings import EvaluationSettings
from distill_platform.store import code
from distill_platform.store.lake import Check, Input, Lake, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, Making, Row, publish_tables
from distill_platform.store.ledger import Ledger, open_ledger
from distill_platform.store.stages import Progress, no_progress


@dataclass(frozen=True)
class Evaluation:
    """Everything a stage may use: settings, lake, ledger, sealed bundles, workers, the clock when the run began."""

    settings: EvaluationSettings
    lake: Lake
    ledger: Ledger
    bundles: BundleStore
    measurer: Measurer
    workers: Workers
    now: datetime
    progress: Progress = field(default=no_progress)


@contextmanager
def open_evaluation(
    settings: EvaluationSettings, *, now: Callable[[], datetime], progress: Progress = no_progress
) -> Iterator[Evaluation]:
    """Open the evaluation that the settings describe; its ledger and workers are closed with the context."""
    ledger = open_ledger(settings.ledger.url, clock=now, anchors=settings.ledger.anchors)
    workers = Workers(settings.workers)
    try:
        bundles = BundleStore(settings.lake / "bundles")
        measurer = Measurer(bundles, settings.worlds.known)
        yield Evaluation(settings, Lake(settings.lake), ledger, bundles, measurer, workers, now(), progress)
    finally:
        workers.close()
        ledger.close()


def code_version() -> str:
    """Return the package's version and a digest of the code that computes verdicts."""
    return code.code_version("core", "stats", "store", "pages", "policy", "strategies", "evaluation")


def from_these(tables: Mapping[str, Sequence[Row] | pa.Table], run_ids: Iterable[str], what: str) -> Check:
    """Return the blocking check that every row about a run is about one of these."""
    known, seen = set(run_ids), set[str]()
    for table in tables.values():
        if isinstance(table, pa.Table):
            seen.update(table["run_id"].to_pylist())
        else:
            seen.update(row["run_id"] for row in table if "run_id" in row)
    strangers = sorted(seen - known)
    return check("provenance", f"runs that are not among {what}", len(strangers), sample=strangers)


def publish_day(evaluation: Evaluation, dataset: str, day: str, made: MadeTables) -> Manifest:
    """Return the manifest of one day of a dataset after writing its tables and holding them against the laws."""
    making = Making(TABLES[dataset], evaluation.settings.hash_of(dataset), code_version())
    return publish_tables(evaluation.lake, dataset, day, made, making)


def ledger_input(bodies: Iterable[Mapping[str, Any]]) -> Input:
    """Return how a stage remembers what it read from the ledger: the hash of the bodies, in any order."""
    digest = canon.sig_hash(sorted(canon.sig_hash(dict(body)) for body in bodies))
    return Input(digest, digest)
