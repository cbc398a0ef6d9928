"""`stress.*`: the run again under worse costs or in its worst regime, one group of metrics per scenario of the world.

`stress.<scenario>.<leaf>` is a pattern: which scenarios there are, the world's stress grid says.
"""

from __future__ import annotations

import re
from dataclasses import replace

from distill_platform.policy.catalogue.metric import HIGHER, LOWER, Metric, group

SCENARIO = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a scenario may be called: one part of a dotted name."""

_flat = group("stress", "stress_tests")
_leaf = group("stress.<scenario>", "stress_tests")

METRICS = (_flat("breakeven_bps", "bps", HIGHER, "cost added per unit of turnover at which the mean net return is 0"),)
PATTERNS = (
    _leaf("net_sharpe", "per year", HIGHER, "returns.sharpe_daily under the scenario"),
    _leaf("max_drawdown", "fraction", LOWER, "returns.max_drawdown under the scenario", lowest=0.0),
    _leaf("es_99", "fraction", LOWER, "returns.es_99 under the scenario", lowest=0.0),
    _leaf("total_return", "fraction", HIGHER, "returns.total_return under the scenario"),
)
LEAVES = {pattern.leaf: pattern for pattern in PATTERNS}


def scenario_metrics(scenario: str) -> tuple[Metric, ...]:
    """Return the metrics of one scenario."""
    return tuple(replace(pattern, name=f"stress.{scenario}.{pattern.leaf}") for pattern in PATTERNS)
