"""A rule's block in a profile: its parameters, and who is told how loudly when they do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

from distill_platform.core.config import StrictModel
from distill_platform.policy.rules.bound import AtLeast, AtMost, Bound
from distill_platform.policy.spelling import word_of
from distill_platform.policy.words import Owner, Severity


def _fraction(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        percent = f"; {value} looks like a percentage, write {value / 100:g}" if 1.0 < value <= 100.0 else ""
        raise ValueError(f"must be a fraction from 0 to 1{percent}")
    return value


Number = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_fraction)]
Count = Annotated[int, Field(ge=1)]


class RuleBlock(StrictModel):
    """What all rules have in common. A parameter that is not there bounds nothing."""

    rule: ClassVar[str]
    default_severity: ClassVar[Severity]
    default_owner: ClassVar[Owner]

    severity: Annotated[Severity | None, word_of(Severity)] = None
    owner: Annotated[Owner | None, word_of(Owner)] = None

    def bounds(self) -> tuple[Bound, ...]:
        """Return the bounds that are set, in the order of the rule's parameters."""
        return tuple(bounds_of(self))

    def over(self, base: Self) -> Self:
        """Return this block with what it leaves open filled in from `base`, and then from the rule's defaults."""
        filled = {
            name: value if (value := getattr(self, name)) is not None else getattr(base, name)
            for name in type(self).model_fields
        }
        filled["severity"] = filled["severity"] or self.default_severity
        filled["owner"] = filled["owner"] or self.default_owner
        return self.model_copy(update=filled)


def bounds_of(model: StrictModel, metric_group: str = "") -> Iterator[Bound]:
    """Yield a bound for each parameter of a model that is set and marked with a side."""
    for name, field in type(model).model_fields.items():
        side, limit = _side(field), getattr(model, name)
        if side is not None and limit is not None:
            yield Bound.on(side, name, limit, metric_group)


def _side(field: FieldInfo) -> AtLeast | AtMost | None:
    marks: list[Any] = field.metadata
    return next((mark for mark in marks if isinstance(mark, AtLeast | AtMost)), None)
