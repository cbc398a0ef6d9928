"""The catalogue: every metric the platform knows, declared once; checks, documentation and expressions derive from it.

>>> CATALOGUE["returns.max_drawdown"].unit
'fraction'
>>> canonical("robustness.dsr")
'robustness.deflated_sharpe_ratio'
>>> metric("stress.fees_x2.net_sharpe").unit
'per year'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from distill_platform.core.expression import Kind
from distill_platform.policy.catalogue import (
    cohort,
    diagnostics,
    gaming,
    integrity,
    live,
    portfolio,
    regime,
    returns,
    risk,
    robustness,
    sample,
    stress,
    walk_forward,
)
from distill_platform.policy.catalogue.metric import Direction, Metric
from distill_platform.policy.catalogue.stress import LEAVES, PATTERNS, SCENARIO, scenario_metrics

__all__ = ["ALIASES", "CATALOGUE", "PATTERNS", "Direction", "Metric", "canonical", "kinds", "metric", "possible"]

_GROUPS = (
    returns,
    sample,
    risk,
    robustness,
    walk_forward,
    stress,
    regime,
    integrity,
    portfolio,
    cohort,
    live,
    gaming,
    diagnostics,
)
CATALOGUE: Mapping[str, Metric] = MappingProxyType({found.name: found for part in _GROUPS for found in part.METRICS})
"""Every metric by its full name, but for those of stress scenarios: `PATTERNS` has these."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "perf.net_sharpe": "returns.sharpe_daily",
        "robustness.dsr": "robustness.deflated_sharpe_ratio",
        "robustness.psr": "robustness.probabilistic_sharpe_ratio",
        "invariants.pnlsums": "invariants.pnl_sums_match",
        "determinism.repro_hash_match": "invariants.repro_hash_match",
    }
)
"""Further spellings that are accepted, each with the name it stands for."""


def canonical(name: str) -> str:
    """Return the full name behind a spelling; a name that is no alias is returned as it is."""
    return ALIASES.get(name, name)


@lru_cache(maxsize=4096)
def metric(name: str) -> Metric | None:
    """Return the metric of a full name, of any stress scenario too; None for a name that nobody declared."""
    found = CATALOGUE.get(name)
    if found is None and name.startswith("stress."):
        scenario, _, leaf = name.removeprefix("stress.").rpartition(".")
        if leaf in LEAVES and SCENARIO.fullmatch(scenario):
            return replace(LEAVES[leaf], name=name)
    return found


def possible(metrics: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a reader of metrics by name: None for a missing one, and for a number that the metric cannot be."""

    def read(name: str) -> Any:
        value, declared = metrics.get(name), metric(name)
        if declared is None or isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return value if declared.can_be(value) else None

    return read


def kinds(scenarios: Iterable[str]) -> dict[str, Kind]:
    """Return the kind of every name that an expression may use in a world with these stress scenarios."""
    known = {name: found.kind for name, found in CATALOGUE.items()}
    return known | {found.name: found.kind for scenario in scenarios for found in scenario_metrics(scenario)}
