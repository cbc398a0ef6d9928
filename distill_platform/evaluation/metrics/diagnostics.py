"""Diagnostics: where the numbers of a run come from and how much was searched for it; never a merit by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable

from distill_platform.strategies.bundles.manifest import RunManifest

RETURNS_SOURCE = "steps"


def diagnostics_metrics(manifest: RunManifest, observation_days: int) -> dict[str, float | str]:
    """Return `diagnostics.*` by leaf, as the run itself declares them.

    `search_intensity` is declared trials per day of observation, NaN without one; whoever knows the cohort knows the
    honest number. `strategy_complexity` is the number of parameters of all nodes.
    """
    return {
        "search_intensity": manifest.search.declared_trials / observation_days if observation_days else math.nan,
        "strategy_complexity": sum(len(node.params) for node in manifest.nodes),
        "returns_source": RETURNS_SOURCE,
        "run_source": manifest.run_source.value,
        "score_source": manifest.score_source.value,
        "data_regime": manifest.data_regime.value,
    }


def coverage_ratio(values: Iterable[float | bool | str | None]) -> float:
    """Return the share of metrics that have a value; NaN of none."""
    known = [value is not None and not (isinstance(value, float) and math.isnan(value)) for value in values]
    return sum(known) / len(known) if known else math.nan
