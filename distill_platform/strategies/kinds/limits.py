"""Limits: caps on weights, and gates that close positions. They only ever make positions smaller."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds.kind import NoParams, Panel, Params, Schema, gate, node_kind, target

RISK = frozenset({SemanticRole.RISK_SHELL})
Weight = Annotated[float, Field(gt=0.0, le=20.0)]


class Gross(Params):
    """The largest sum of absolute weights."""

    max_gross: Weight


@node_kind(
    "leverage_cap", roles=RISK, ports=(target(),), output=Schema.TARGET, params=Gross, example={"max_gross": 1.0}
)
def leverage_cap(params: Gross, target: Panel) -> Panel:
    """Return the target, all weights scaled down alike where their absolute sum is above `max_gross`."""
    return _scaled(target, np.nansum(np.abs(target), axis=1), params.max_gross)


class Net(Params):
    """The largest absolute sum of weights."""

    max_net: Weight


@node_kind("net_cap", roles=RISK, ports=(target(),), output=Schema.TARGET, params=Net, example={"max_net": 0.5})
def net_cap(params: Net, target: Panel) -> Panel:
    """Return the target, all weights scaled down alike where longs less shorts exceed `max_net` either way."""
    return _scaled(target, np.abs(np.nansum(target, axis=1)), params.max_net)


class Name(Params):
    """The largest absolute weight of one symbol."""

    max_weight: Weight


@node_kind("name_cap", roles=RISK, ports=(target(),), output=Schema.TARGET, params=Name, example={"max_weight": 0.1})
def name_cap(params: Name, target: Panel) -> Panel:
    """Return the target, no weight larger than `max_weight` either way; what is cut off stays in cash."""
    return np.clip(target, -params.max_weight, params.max_weight)


@node_kind("gated_target", roles=RISK, ports=(target(), gate("gate")), output=Schema.TARGET)
def gated_target(params: NoParams, target: Panel, gate: Panel) -> Panel:
    """Return the target where the gate is open, and no position where it is closed; other weights stay as they are."""
    return np.where(gate == 1.0, target, 0.0)


def _scaled(target: Panel, size: Panel, limit: float) -> Panel:
    factor = np.minimum(1.0, limit / np.where(size > 0.0, size, np.inf))
    return target * np.where(size > limit, factor, 1.0)[:, np.newaxis]
