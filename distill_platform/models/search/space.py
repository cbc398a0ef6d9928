"""Search space: what may be searched, and between which bounds.

What a trial is judged by (costs, thresholds, windows, seeds of the evaluation) is sealed: a search that may choose its
own fee chooses none at all. Two walls keep it so: no name may speak of such a thing, and only what the evaluation
itself declares searchable may be named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, FiniteFloat, StrictBool, StrictInt, StrictStr, model_validator

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, nearest
from distill_platform.core.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value: TypeAlias = bool | int | float | str
Parameters: TypeAlias = dict[str, Value]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LARGEST_STEP_ERROR = 1e-9
_LARGEST = 1e15  # whole numbers up to here are floats too, and no difference of two is infinite
_MOST_STEPS = 1e9
_SEALED = {
    "is a cost, and costs come sealed from the world": {
        "bps", "borrow", "brokerage", "commission", "commissions", "cost", "costs", "fee", "fees", "fill", "fills",
        "funding", "impact", "maker", "rebate", "slip", "slippage", "spread", "taker", "tax",
    },
    "is a threshold that a candidate is judged by": {"gate", "gates", "limit", "limits", "threshold", "thresholds"},
    "is a window of the evaluation": {
        "embargo", "fold", "folds", "forward", "horizon", "label", "labels", "oos", "purge", "purging", "split",
        "splits", "test", "validation", "window", "windows",
    },
    "is a seed, and a lucky seed is not a better model": {"random", "rng", "seed", "seeds"},
}  # fmt: skip
_HIDDEN = re.compile(
    r"bps|brokerage|commission|cost|(?<!f)fees?(?![a-z])|funding|maker|rebate|slippage|taker|threshold|embargo|seed(?![a-z])"
)
"""Words of these that nobody writes by chance, so that leaving out an underscore hides none of them."""


class IntRange(StrictModel):
    """Whole numbers from `low` to `high`, both included, `step` apart; with `log`, by their logarithm."""

    type: Literal["int"]
    low: int
    high: int
    step: Annotated[int, Field(ge=1)] = 1
    log: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_range(self.low, self.high, self.step if self.step > 1 else None, self.log)
        if (self.high - self.low) % self.step:
            raise ValueError(f"no number of steps of {self.step} leads from {self.low} to {self.high}")
        return self

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's words."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def around(self, values: Iterable[Value], margin: float) -> IntRange:
        """Return the part of the range that holds `values` and a `margin` (share of the range) on both sides."""
        low, high = _around(self.low, self.high, [float(value) for value in values], margin, self.log)
        first = self.low + math.floor((low - self.low) / self.step) * self.step
        last = self.high - math.floor((self.high - high) / self.step) * self.step
        return self.model_copy(update={"low": max(first, self.low), "high": min(last, self.high)})


class FloatRange(StrictModel):
    """Numbers from `low` to `high`, both included; `step` apart if there is one; with `log`, by their logarithm."""

    type: Literal["float"]
    low: FiniteFloat
    high: FiniteFloat
    step: Annotated[FiniteFloat, Field(gt=0)] | None = None
    log: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_range(self.low, self.high, self.step, self.log)
        steps = (self.high - self.low) / self.step if self.step else 0.0
        if abs(steps - round(steps)) > _LARGEST_STEP_ERROR * max(1.0, steps):
            raise ValueError(f"no number of steps of {self.step} leads from {self.low} to {self.high}")
        return self

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's words."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def around(self, values: Iterable[Value], margin: float) -> FloatRange:
        """Return the part of the range that holds `values` and a `margin` (share of the range) on both sides.

        A range with steps stays whole: cut ends would move its steps by a rounding error.
        """
        if self.step:
            return self
        low, high = _around(self.low, self.high, [float(value) for value in values], margin, self.log)
        return self.model_copy(update={"low": low, "high": high})


Choices = Annotated[
    tuple[StrictBool | StrictInt | StrictStr | FiniteFloat, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(min_length=1, max_length=256),
]


class Choice(StrictModel):
    """One of several values without an order."""

    type: Literal["choice"]
    values: Choices

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.values)) < len(self.values):
            raise ValueError("the same value stands twice (1, 1.0 and true count as the same)")
        return self

    def distribution(self) -> BaseDistribution:
        """Return it in Optuna's words."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def around(self, values: Iterable[Value], margin: float) -> Choice:
        """Return the choice among `values` only, in the order of declaration; there is no margin around a word."""
        kept = set(values)
        return self.model_copy(update={"values": tuple(value for value in self.values if value in kept)})


Range = Annotated[IntRange | FloatRange | Choice, Field(discriminator="type")]


class SearchSpace(StrictModel):
    """Parameters by name, at least one. A name that speaks of what a trial is judged by is refused with the reason."""

    parameters: Annotated[dict[str, Range], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.parameters:
            if not _NAME.fullmatch(name):
                raise ValueError(f"parameter {name!r}: a name is small letters, digits and underscores")
            if reason := sealed_reason(name):
                raise ValueError(f"parameter {name!r} {reason}: it cannot be searched")
        return self

    def refuse_undeclared(self, searchable: Iterable[str]) -> None:
        """Raise ConfigError unless the evaluation declares every parameter searchable."""
        known = sorted(name for name in searchable if not sealed_reason(name))
        for name in sorted(self.parameters):
            if name not in known:
                message = f"search space names {name!r}, which the evaluation does not let a search choose"
                raise ConfigError(message, hint=nearest(name, known))

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return Optuna's distributions, sorted by name: the order in a file is not part of a search."""
        return {name: self.parameters[name].distribution() for name in sorted(self.parameters)}

    def around(self, points: Iterable[Parameters], margin: float) -> SearchSpace:
        """Return the local space that holds all `points` and a `margin` (share of each range) around them.

        Raises KeyError for a point that lacks a parameter.
        """
        held = list(points)
        ranges = {name: part.around([point[name] for point in held], margin) for name, part in self.parameters.items()}
        return self.model_copy(update={"parameters": ranges})

    def sha256(self) -> str:
        """Return the hash of the space, the same in whatever order its parameters are declared."""
        return canon.sig_hash(self.model_dump(mode="json"))


def sealed_reason(name: str) -> str | None:
    """Return why a parameter of this name must not be searched; None if it may."""
    words = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))
    words |= {found for word in words for found in _HIDDEN.findall(word)}
    return next((reason for reason, sealed in _SEALED.items() if words & sealed), None)


def _check_range(low: float, high: float, step: Any, log: bool) -> None:
    if max(abs(low), abs(high)) > _LARGEST:
        raise ValueError(f"a range lies between -{_LARGEST:.0e} and {_LARGEST:.0e}, not from {low} to {high}")
    if step is not None and (high - low) / step > _MOST_STEPS:
        raise ValueError(f"a step of {step} makes more than {_MOST_STEPS:.0e} values from {low} to {high}")
    if low > high:
        raise ValueError(f"low {low} is above high {high}")
    if log and low <= 0:
        raise ValueError(f"a logarithmic range starts above 0, not at {low}")
    if log and step is not None:
        raise ValueError("a logarithmic range has no step")


def _around(low: float, high: float, values: list[float], margin: float, log: bool) -> tuple[float, float]:
    if log:
        near, far = _around(math.log(low), math.log(high), [math.log(value) for value in values], margin, False)
        return max(low, min(math.exp(near), *values)), min(high, max(math.exp(far), *values))
    width = margin * (high - low)
    return max(low, min(values) - width), min(high, max(values) + width)
