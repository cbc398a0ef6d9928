"""Measured runs: a sealed run with its numbers, without its tables; worked out once, however many stages ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from distill_platform.evaluation.inbox.bundle_store import BundleStore
from distill_platform.evaluation.metrics import EvaluationTerms, RunMetrics, run_metrics, terms_of
from distill_platform.evaluation.metrics.benchmark import benchmark_returns
from distill_platform.evaluation.metrics.steps import read_steps
from distill_platform.evaluation.trials import TrialRecord, trial_of
from distill_platform.policy.world import World
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.manifest import RunManifest

KEPT_OF_BROKEN = ("invariants.", "triage.", "diagnostics.")
REPRODUCED = "repro_hash_match"
_REMEMBERED = 2_048
_NO_TERMS = EvaluationTerms(fee_bps=0.0, slippage_bps=0.0, funding_bps_daily=0.0, stress_grid=())


@dataclass(frozen=True, eq=False)
class Measured:
    """One run with its numbers, and what the ledger is told of it as a trial.

    `market` are the daily returns by which its regimes are told apart. `reproduced` says whether another run with the
    same claim has the same numbers; None without one.
    """

    manifest: RunManifest
    found: RunMetrics
    market: npt.NDArray[np.float64] = field(repr=False)
    alone: TrialRecord
    reproduced: bool | None = None

    @property
    def run_id(self) -> str:
        """Return the run's id."""
        return self.manifest.run_id

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the invariants that do not hold."""
        return tuple(sorted({*self.found.broken, *([REPRODUCED] if self.reproduced is False else [])}))

    @property
    def sound(self) -> bool:
        """Return whether every invariant that could be looked at holds."""
        return not self.broken

    @property
    def metrics(self) -> dict[str, Any]:
        """Return the metrics that others may use: of a broken run those that say what is broken."""
        metrics = dict(self.found.metrics)
        if self.reproduced is not None:
            metrics[f"invariants.{REPRODUCED}"] = self.reproduced
        if self.sound:
            return metrics
        kept = {name: value for name, value in metrics.items() if name.startswith(KEPT_OF_BROKEN)}
        return kept | {"triage.integrity_broken": True}

    @property
    def triage(self) -> list[str]:
        """Return where to look first."""
        tags = {name: value for name, value in self.metrics.items() if name.startswith("triage.")}
        return sorted(name.removeprefix("triage.") for name, value in tags.items() if value is True)


class Measurer:
    """Measures the runs of a bundle store, each under the terms of its own world, and remembers the last of them.

    A run whose world is not known counts as a trial all the same: it is measured on no terms, and judged by nobody.
    """

    def __init__(self, bundles: BundleStore, worlds: Mapping[str, World]) -> None:
        self._bundles = bundles
        self._worlds = worlds
        self.run = lru_cache(maxsize=_REMEMBERED)(self._run)

    def _run(self, bundle_sha256: str) -> Measured:
        """Return one sealed run, verified again, with its numbers."""
        bundle = self._bundles.open(bundle_sha256)
        world = self._worlds.get(bundle.manifest.world_id)
        return measured(bundle, terms_of(world) if world else _NO_TERMS)


def measured(bundle: Bundle, terms: EvaluationTerms) -> Measured:
    """Return a run with its numbers under some terms, nobody else's runs looked at."""
    found = run_metrics(bundle, terms)
    market = benchmark_returns(read_steps(bundle), found.daily)
    returns = found.daily.gross if market is None else market
    return Measured(bundle.manifest, found, returns, trial_of(bundle, not found.broken))
