"""stress: does it survive worse costs? A scenario's own metrics decide, never another's of the same name."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from distill_platform.core.config import StrictModel
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.catalogue.stress import SCENARIO
from distill_platform.policy.rules.block import Fraction, Number, RuleBlock, bounds_of
from distill_platform.policy.rules.bound import AtLeast, AtMost, Bound
from distill_platform.policy.words import Owner, Severity


def _scenario(name: str) -> str:
    if not SCENARIO.fullmatch(name) or f"stress.{name}" in CATALOGUE:
        raise ValueError(f"{name!r} cannot name a scenario: letters, digits and underscores, no digit first")
    return name


ScenarioName = Annotated[str, AfterValidator(_scenario)]


class ScenarioBounds(StrictModel):
    """What must hold under one scenario."""

    max_drawdown: Annotated[Fraction | None, AtMost("max_drawdown")] = None
    max_es_99: Annotated[Fraction | None, AtMost("es_99")] = None
    min_net_sharpe: Annotated[Number | None, AtLeast("net_sharpe")] = None


class Stress(RuleBlock):
    """The strategy is still acceptable under each scenario named here."""

    rule: ClassVar[str] = "stress"
    default_severity: ClassVar[Severity] = Severity.SOFT
    default_owner: ClassVar[Owner] = Owner.RISK

    scenarios: dict[ScenarioName, ScenarioBounds] | None = None

    def bounds(self) -> tuple[Bound, ...]:
        """Return the bounds of all scenarios, by name."""
        scenarios = sorted((self.scenarios or {}).items())
        return tuple(bound for name, bounds in scenarios for bound in bounds_of(bounds, f"stress.{name}."))
