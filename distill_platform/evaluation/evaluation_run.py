"""Evaluation runs: the verdict on one run as the ledger, its artifact and its report have it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distill_platform.core import canon
from distill_platform.core.canon import json_value
from distill_platform.evaluation.gaming import GamingFlags
from distill_platform.evaluation.release import ReleaseStanding
from distill_platform.policy.gates import GateResult
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.summary import Summary
from distill_platform.policy.words import Stage, Status
from distill_platform.policy.world import World
from distill_platform.strategies.bundles.manifest import RunManifest


@dataclass(frozen=True)
class EvaluationRun:
    """One run judged: what its world's rules and gates say, what looks like gaming, and what it comes to.

    `alone` is the status that rules and gates come to without any suspicion.
    """

    manifest: RunManifest
    bundle_sha256: str
    world: World
    metrics: Mapping[str, Any]
    results: tuple[RuleResult, ...]
    gates: tuple[GateResult, ...]
    summary: Summary
    alone: Status
    gaming: GamingFlags
    release: ReleaseStanding

    @property
    def profile(self) -> str:
        """Return the name of the profile that applied."""
        return self.world.default_profile_by_stage.of(Stage(self.manifest.stage)) or ""

    def to_body(self) -> dict[str, Any]:
        """Return the EvaluationRun as a JSON value, with the evidence that it rests on. It holds no time of judging."""
        manifest = self.manifest
        body: dict[str, Any] = json_value(
            {
                "run_id": manifest.run_id,
                "world_id": manifest.world_id,
                "strategy_id": manifest.strategy_id,
                "stage": manifest.stage.value,
                "risk_tier": self.world.risk_profile.tier.value,
                "validation": {
                    "policy_version": self.world.version,
                    "ruleset_hash": self.world.ruleset_hash,
                    "profile": self.profile,
                    "results": [result.to_dict() for result in self.results],
                },
                "summary": {
                    **self.summary.to_dict(),
                    "override_status": None,
                    "override_reason": None,
                    "override_actor": None,
                    "override_timestamp": None,
                },
                "evidence": {
                    "bundle_sha256": self.bundle_sha256,
                    "metrics_sha256": metrics_sha256(self.metrics),
                    "gates": [gate.to_dict() for gate in self.gates],
                    "counts_for_release": self.release.counts,
                    "status_alone": self.alone.value,
                },
            }
        )
        return body


def metrics_sha256(metrics: Mapping[str, Any]) -> str:
    """Return the hash of all metrics that a verdict rests on."""
    return hashlib.sha256(canon.dumps(json_value(dict(metrics)))).hexdigest()
