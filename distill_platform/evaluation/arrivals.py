"""Arrivals: which bundles came in on which day. The ledger remembers; the inbox may be emptied afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from distill_platform.store.ledger import Entry, Ledger, Revision
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.content import content_sha256

KEY = "arrival"
KIND = "bundle_arrived"
ACTOR = "evaluation"


@dataclass(frozen=True)
class ArrivalRecord:
    """What the ledger keeps of a bundle's first sight: from then on its day and its bytes are settled."""

    run_id: str
    day: str
    bundle_sha256: str
    world_id: str
    strategy_id: str
    cohort_id: str
    stage: str
    content_sha256: str

    @classmethod
    def of(cls, bundle: Bundle, day: str) -> Self:
        """Return the record of a bundle that was taken in on `day`."""
        manifest = bundle.manifest
        named = (manifest.world_id, manifest.strategy_id, manifest.cohort_id, manifest.stage.value)
        return cls(manifest.run_id, day, bundle.sha256, *named, content_sha256(bundle))

    def entry(self) -> Entry:
        """Return how the ledger is told."""
        return Entry(f"receipt/{self.run_id}", KEY, KIND, dict(vars(self)), ACTOR)


def record_arrivals(ledger: Ledger, records: Iterable[ArrivalRecord]) -> None:
    """Tell the ledger of all of them, or of none; those that it knows change nothing."""
    ledger.append_all([record.entry() for record in records])


def known_arrivals(ledger: Ledger) -> list[ArrivalRecord]:
    """Return every bundle that was ever taken in, by run_id."""
    return list(_records(ledger.latest_of("receipt/")))


def _records(revisions: Iterable[Revision]) -> Iterator[ArrivalRecord]:
    for revision in revisions:
        if revision.kind == KIND:
            body: dict[str, Any] = revision.body
            yield ArrivalRecord(**body)
