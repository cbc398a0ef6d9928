"""Arrivals of a day: bundles taken in for ever, and what was refused or waits, with the reason. Nothing is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from distill_platform.core import canon
from distill_platform.evaluation.arrivals import ArrivalRecord, known_arrivals, record_arrivals
from distill_platform.evaluation.inbox import Accepted, Parked, Refused, take_in
from distill_platform.evaluation.stage import Evaluation, publish_day
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, Row
from distill_platform.strategies.bundles.bundle import Bundle

TurnedAway = Parked | Refused


def receive(evaluation: Evaluation) -> list[TurnedAway]:
    """Return what cannot be taken in of the inbox, after taking in the rest: the ledger knows its days from now on."""
    settings = evaluation.settings
    before = {arrival.run_id: arrival.bundle_sha256 for arrival in known_arrivals(evaluation.ledger)}
    seen = take_in(settings.inbox, evaluation.bundles, before.get, settings.worlds.known, evaluation.now)
    record_arrivals(evaluation.ledger, [_record(evaluation, one) for one in seen if isinstance(one, Accepted)])
    return [one for one in seen if isinstance(one, TurnedAway)]


def receive_bundles(evaluation: Evaluation, _names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
    """Return the published days of `run_bundles`, after taking in whatever holds of what lies in the inbox."""
    turned_away = receive(evaluation)
    arrivals = known_arrivals(evaluation.ledger)
    manifests = []
    for done, day in enumerate(days, 1):
        own = [arrival for arrival in arrivals if arrival.day == day]
        others = [one for one in turned_away if day_of(one) == day]
        manifests.append(publish_day(evaluation, "run_bundles", day, _tables(evaluation, own, others)))
        evaluation.progress("run_bundles", done, len(days))
    return manifests


def _record(evaluation: Evaluation, accepted: Accepted) -> ArrivalRecord:
    return ArrivalRecord.of(evaluation.bundles.open(accepted.bundle_sha256), accepted.arrived_at.date().isoformat())


def day_of(turned_away: TurnedAway) -> str:
    """Return the day on which something was turned away: that of its last change."""
    return turned_away.seen_at.date().isoformat()


def _tables(evaluation: Evaluation, own: Sequence[ArrivalRecord], turned_away: Sequence[TurnedAway]) -> MadeTables:
    refused = [refused_row(one) for one in turned_away if isinstance(one, Refused)]
    parked = [_parked(one) for one in turned_away if isinstance(one, Parked)]
    counts = Counts(
        len(own) + len(turned_away),
        len(own),
        skipped=dict(Counter(str(row["reason"]) for row in parked)),
        quarantined=dict(Counter(str(row["reason"]) for row in refused)),
    )
    sealed = [evaluation.bundles.open(arrival.bundle_sha256) for arrival in own]  # verified again, byte for byte
    bundles = [_bundle(arrival, bundle) for arrival, bundle in zip(own, sealed, strict=True)]
    names = [f"{row['name']}: {row['reason']}" for row in refused]
    found = [ArrivalRecord.of(bundle, arrival.day) for arrival, bundle in zip(own, sealed, strict=True)]
    strange = [one.run_id for one, told in zip(found, own, strict=True) if one != told]
    changed = [one.run_id for one, told in zip(found, own, strict=True) if one.content_sha256 != told.content_sha256]
    checks = [
        check("provenance", "bundles of which the ledger tells otherwise", len(strange), sample=strange),
        check("sealed", "bundles whose steps are not those that arrived", len(changed), sample=changed),
        replace(check("nothing_refused", "bundles that were refused", len(refused), sample=names), blocking=False),
    ]
    return MadeTables(
        {"bundles": bundles, "refused": [*refused, *parked]}, _inputs(bundles, refused, parked), counts, checks
    )


def _inputs(*rows: Sequence[Row]) -> dict[str, Input]:
    digest = canon.sig_hash([[dict(row) for row in group] for group in rows])
    return {"inbox": Input(digest, digest)}


def _bundle(arrival: ArrivalRecord, bundle: Bundle) -> dict[str, str]:
    return {
        "run_id": arrival.run_id,
        "world_id": arrival.world_id,
        "strategy_id": arrival.strategy_id,
        "stage": arrival.stage,
        "cohort_id": arrival.cohort_id,
        "bundle_sha256": arrival.bundle_sha256,
        "content_sha256": arrival.content_sha256,
        "manifest": canon.dumps(bundle.manifest.model_dump(mode="json")).decode(),
    }


def refused_row(one: Refused) -> dict[str, str]:
    """Return how a refused bundle stands in the table."""
    return {"name": one.name, "state": "refused", "reason": one.reason.value, "message": one.message, "hint": one.hint}


def _parked(one: Parked) -> dict[str, str]:
    hint = "It is read when it is complete"
    return {"name": one.name, "state": "parked", "reason": one.reason.value, "message": one.message, "hint": hint}
