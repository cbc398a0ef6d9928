"""The court: a run's own numbers, all that was said before, and what looks like gaming, come to one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distill_platform.evaluation.evaluation_run import EvaluationRun
from distill_platform.evaluation.gaming import GamingFlags, GamingSign, gaming_flags, gaming_results
from distill_platform.evaluation.gating import closed_results
from distill_platform.evaluation.records import recorded_evaluations, recorded_policies
from distill_platform.evaluation.release import release_standing
from distill_platform.evaluation.trial_book import TrialBook
from distill_platform.policy.gates import judge_gates
from distill_platform.policy.judging import Judgement
from distill_platform.policy.summary import summarize
from distill_platform.policy.words import Status
from distill_platform.policy.world import World
from distill_platform.store.ledger import Ledger
from distill_platform.strategies.bundles.manifest import RunManifest


@dataclass(frozen=True)
class Case:
    """One run before the bench: who it is, its numbers, and what its rules say of it alone."""

    manifest: RunManifest
    bundle_sha256: str
    world: World
    metrics: dict[str, Any]
    judgement: Judgement


class Court:
    """What judging needs beyond a run's own numbers: trials, earlier verdicts and policies, each read once."""

    def __init__(self, ledger: Ledger, cases: Sequence[Case]) -> None:
        self._ledger = ledger
        self._now = {case.manifest.run_id: case for case in cases}
        self._trials = TrialBook(ledger)
        self._verdicts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._policies: dict[str, list[dict[str, Any]]] = {}

    def judge(self, case: Case) -> EvaluationRun:
        """Return the verdict on a run, with what looks like gaming joined to what the rules say."""
        flags, release = self._flags(case), release_standing(case.manifest)
        metrics = case.metrics | flags.metrics()
        gates = judge_gates(case.world, metrics)
        signs = gaming_results(flags, release.counts)
        results = (*case.judgement.results, *closed_results(case.world, gates), *release.results(), *signs)
        summary = summarize(results)
        found = (case.world, metrics, results, gates, summary, _alone(case), flags, release)
        return EvaluationRun(case.manifest, case.bundle_sha256, *found)

    def _flags(self, case: Case) -> GamingFlags:
        records = self._trials.cohort(case.manifest.cohort_id).all
        own = next(record for record in records if record.run_id == case.manifest.run_id)
        verdicts = [
            verdict for strategy in sorted({r.strategy_id for r in records}) for verdict in self._past(case, strategy)
        ]
        policies = self._policy(case.world.world_id)
        return gaming_flags(own, records, verdicts, policies, case.world.ruleset_hash, case.metrics)

    def _policy(self, world_id: str) -> list[dict[str, Any]]:
        if world_id not in self._policies:
            self._policies[world_id] = recorded_policies(self._ledger, world_id)
        return self._policies[world_id]

    def _past(self, case: Case, strategy_id: str) -> list[dict[str, Any]]:
        """Return what rules and gates say of a strategy's runs: suspicions are no failures.

        Of each run only the last word under each policy counts. A verdict that a grown cohort has overtaken is none, so
        that the order of arrival decides nothing.
        """
        key = (case.world.world_id, strategy_id)
        if key not in self._verdicts:
            told = [
                {**body, "summary": {"status": body["evidence"]["status_alone"]}}
                for body in recorded_evaluations(self._ledger, *key)
            ]
            now = [_told(one) for one in self._now.values() if (one.world.world_id, one.manifest.strategy_id) == key]
            latest = {(body["run_id"], body["validation"]["ruleset_hash"]): body for body in (*told, *now)}
            self._verdicts[key] = list(latest.values())
        return self._verdicts[key]


def _alone(case: Case) -> Status:
    """Return what rules and gates come to as if nobody suspected anything: what others of the search are held to."""
    unsuspected = case.metrics | {f"gaming.{sign}": False for sign in GamingSign}
    gates = judge_gates(case.world, unsuspected)
    return summarize((*case.judgement.results, *closed_results(case.world, gates))).status


def _told(case: Case) -> dict[str, Any]:
    return {
        "run_id": case.manifest.run_id,
        "world_id": case.world.world_id,
        "strategy_id": case.manifest.strategy_id,
        "validation": {"ruleset_hash": case.world.ruleset_hash},
        "summary": {"status": _alone(case).value},
    }
