"""Verdicts: what a world says of a run: of this very bundle, by its rules of today, with all that was tried counted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from distill_platform.evaluation.records import evaluation_stream, trial_stream
from distill_platform.models.promotion.case import WorldVerdict
from distill_platform.policy.world import World
from distill_platform.store.ledger import Ledger
from distill_platform.strategies.bundles.manifest import RunManifest


def world_verdict(
    ledger: Ledger, manifest: RunManifest, bundle_sha256: str, world: World, candidates: Collection[str]
) -> WorldVerdict | None:
    """Return the last word on a run; None where it is of another bundle, of other rules, or came too early.

    `candidates` are the hashes of the bundles that it is chosen from, its own included. Each has to be a trial of its
    cohort, and was one when the verdict was given: a world that has not seen them takes the best of many for the only
    one.
    """
    latest = ledger.latest(evaluation_stream(manifest.world_id, manifest.strategy_id, manifest.run_id))
    counted = _counted_at(ledger, manifest.cohort_id, candidates)
    if latest is None or counted is None or latest.recorded_at < counted:
        return None
    body, evidence = latest.body, latest.body["evidence"]
    judged = (evidence["bundle_sha256"], body["world_id"], body["validation"]["ruleset_hash"])
    if judged != (bundle_sha256, world.world_id, world.ruleset_hash):
        return None
    against = [result["reason"] for result in body["validation"]["results"] if result["status"] != "pass"]
    gates = {gate["stage"]: gate["status"] for gate in evidence["gates"]}
    return WorldVerdict(body["summary"]["status"], gates, evidence["counts_for_release"] is True, tuple(against))


def _counted_at(ledger: Ledger, cohort_id: str, bundles: Collection[str]) -> datetime | None:
    """Return when the last of the bundles became a trial that changes what the others are worth; None if one is none.

    One without a Sharpe ratio changes nothing, and a verdict that stays the same is not given again.
    """
    first: dict[str, datetime] = {}
    changes = []
    for revision in ledger.read(trial_stream(cohort_id)):
        sha256 = revision.body["bundle_sha256"]
        if sha256 in bundles and sha256 not in first:
            first[sha256] = revision.recorded_at
            if revision.body["sound"] and revision.body["sharpe"] is not None:
                changes.append(revision.recorded_at)
    return max(changes, default=min(first.values(), default=None)) if first.keys() >= set(bundles) else None
