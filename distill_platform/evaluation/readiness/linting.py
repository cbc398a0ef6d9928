"""All of it: a bundle, or a folder that may not even be sealed, and everything found about it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from distill_platform.evaluation.readiness.described import of_costs, of_origin, of_trials, of_world
from distill_platform.evaluation.readiness.findings import Finding, Level, WorldFacts, error, warning
from distill_platform.evaluation.readiness.graph import of_graph, of_model
from distill_platform.evaluation.readiness.recorded import of_activity, of_days, of_tables
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.limits import LIMITS, Limits
from distill_platform.strategies.bundles.manifest_soundness import refuse_future
from distill_platform.strategies.bundles.reading import read_sealed, read_unsealed
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.tables import COMPLETE


def lint(bundle: Bundle, worlds: Mapping[str, WorldFacts]) -> list[Finding]:
    """Return what a bundle lacks to be judged or learned from, errors first; `worlds` by world_id."""
    manifest = bundle.manifest
    found = [
        *of_world(manifest, worlds),
        *of_costs(manifest),
        *of_trials(manifest),
        *of_origin(manifest),
        *of_tables(bundle),
        *of_days(bundle.steps),
        *of_activity(bundle.steps, worlds.get(manifest.world_id)),
        *of_graph(manifest),
        *of_model(manifest),
    ]
    return sorted(found, key=lambda finding: finding.level is not Level.ERROR)


def lint_folder(
    folder: Path, worlds: Mapping[str, WorldFacts], now: datetime, *, limits: Limits = LIMITS
) -> list[Finding]:
    """Return what is found of a folder, sealed or not; one that no reader would take has that as its one finding."""
    sealed = os.path.lexists(folder / COMPLETE)
    try:
        bundle = read_sealed(folder, limits=limits) if sealed else read_unsealed(folder, limits=limits)[0]
        refuse_future(bundle.manifest, now)
    except BundleRefused as refusal:
        return [error(refusal.reason, refusal.message, refusal.hint)]
    found = lint(bundle, worlds)
    if not sealed:
        found.append(warning("not_sealed", f"{folder.name} is not sealed", f"Run `distill seal {folder}`"))
    return found
