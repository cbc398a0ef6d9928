"""Execution: where target weights leave the graph for the engine. Costs are no parameters: profiles seal them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from distill_platform.strategies.bundles.manifest import SemanticRole
from distill_platform.strategies.kinds.kind import Panel, Params, Schema, node_kind, target

Amount = Annotated[float, Field(gt=0.0)]


class Execution(Params):
    """How the engine rounds and bounds orders: quantity step, and value of an order in money; null is no rule."""

    lot: Amount | None = None
    min_notional: Amount | None = None
    max_notional: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Execution:
        if self.min_notional is not None and self.max_notional is not None and self.min_notional > self.max_notional:
            raise ValueError(f"min_notional {self.min_notional} must not be above max_notional {self.max_notional}")
        return self


@node_kind(
    "execution", roles=frozenset({SemanticRole.EXECUTION}), ports=(target(),), output=Schema.TARGET, params=Execution
)
def execution(params: Execution, target: Panel) -> Panel:
    """Return the target as it is: the engine takes it from here, with `lot`, `min_notional` and `max_notional`."""
    return target
