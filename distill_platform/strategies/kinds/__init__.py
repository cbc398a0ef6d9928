"""Node kinds, one module per family. `KINDS` holds all of them by name; importing a module registers its kinds."""

from distill_platform.strategies.kinds import (  # noqa: F401
    averages,
    channels,
    cross_section,
    dispersion,
    execution,
    gates,
    intents,
    kill_switch,
    limits,
    oscillators,
    ranges,
    raw,
    returns,
    schedules,
    selection,
    signals,
    volatility_target,
)
from distill_platform.strategies.kinds.kind import KINDS, NodeKind, Port, Schema, node_kind

__all__ = ["KINDS", "NodeKind", "Port", "Schema", "node_kind"]
