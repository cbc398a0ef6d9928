"""Node kinds: what a node of a strategy's graph may be, declared once; checks, evaluation, ablation and docs follow.

A kind is a function `(params, *inputs) -> panel` of arrays of shape (T, N). It looks back and never ahead: row t of
what it returns follows from rows 0..t of its inputs. The tests hold every registered kind to that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import getdoc
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from distill_platform.core.config import StrictModel
from distill_platform.strategies.bundles.manifest import SemanticRole

Panel = npt.NDArray[np.float64]
Compute = Callable[..., Panel]


class Schema(StrEnum):
    """What flows along an edge: always float64 of shape (T, N); NaN is unknown, and unknown is never a position."""

    PANEL = "panel"
    GATE = "gate"
    """1 is open, 0 is closed."""
    TARGET = "target"
    """Weights as fractions of equity, negative for short positions."""


@dataclass(frozen=True)
class Port:
    """One input of a kind, in the order in which a node lists its inputs."""

    name: str
    schema: Schema


def panel(name: str) -> Port:
    """Return a port that takes a panel."""
    return Port(name, Schema.PANEL)


def gate(name: str) -> Port:
    """Return a port that takes a gate."""
    return Port(name, Schema.GATE)


def target(name: str = "target") -> Port:
    """Return a port that takes target weights."""
    return Port(name, Schema.TARGET)


class Params(StrictModel):
    """The parameters of a kind: unknown names, other types, NaN and infinities are errors."""

    model_config = ConfigDict(allow_inf_nan=False)

    def misfit(self, n_inputs: int) -> str:
        """Return why these parameters do not go with that many inputs; empty if they do."""
        return ""


class NoParams(Params):
    """The parameters of a kind that has none."""


BarCount = Annotated[int, Field(ge=1, le=10_000)]
"""A length of time in bars."""

COMPUTED = frozenset({SemanticRole.FEATURE, SemanticRole.SIGNAL})


@dataclass(frozen=True)
class NodeKind:
    """What a node of this kind takes, gives and may be parametrized with.

    A `variadic` kind takes any number (at least one) of its last port. `neutral` is the value that stands for "says
    nothing" in an ablation, None where there is no such value. `example` are parameters that are accepted. Kinds
    without ports read the bars: `compute(params, bars)`; all others see their inputs only.
    """

    name: str
    family: str
    roles: frozenset[SemanticRole]
    ports: tuple[Port, ...]
    output: Schema
    params: type[Params]
    compute: Compute
    summary: str
    variadic: bool = False
    neutral: float | None = None
    example: dict[str, Any] = field(default_factory=dict)

    def port(self, position: int) -> Port:
        """Return the port that the input at `position` goes to."""
        return self.ports[min(position, len(self.ports) - 1)]

    def takes(self, count: int) -> bool:
        """Return whether that many inputs fit."""
        return count >= len(self.ports) if self.variadic else count == len(self.ports)


KINDS: dict[str, NodeKind] = {}


def node_kind(
    name: str,
    *,
    roles: frozenset[SemanticRole] = COMPUTED,
    ports: tuple[Port, ...],
    output: Schema = Schema.PANEL,
    params: type[Params] = NoParams,
    variadic: bool = False,
    neutral: float | None = None,
    example: dict[str, Any] | None = None,
) -> Callable[[Compute], Compute]:
    """Return a decorator that registers a function as the kind `name`; its module is the kind's family.

    Raises ValueError for a name that is taken.
    """

    def register(compute: Compute) -> Compute:
        if name in KINDS:
            raise ValueError(f"there is a node kind {name!r} already")
        family = compute.__module__.rpartition(".")[2]
        summary = (getdoc(compute) or "").partition("\n")[0]
        KINDS[name] = NodeKind(
            name, family, roles, ports, output, params, compute, summary, variadic, neutral, example or {}
        )
        return compute

    return register
