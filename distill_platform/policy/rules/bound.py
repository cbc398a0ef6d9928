"""A bound: one metric, one limit, and which side is the good one. The limit itself is on the good side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from distill_platform.core.expression import Kind
from distill_platform.core.expression.values import reader
from distill_platform.policy.rules.result import INVALID_METRIC, MISSING_METRIC, numbers

Metrics = Mapping[str, Any]
"""Values by full catalogue name. What could not be computed is NaN or None; what nobody computed is not there."""

_MOST_SHOWN = 100
_ABSENT = object()
number = cast(Callable[[object], int | float | None], reader(Kind.NUMBER))
"""Returns a value that is a finite number as it is, and None for everything else; a truth is not a number."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Marks a parameter as the lowest value of a metric that passes."""

    metric: str
    of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AtMost:
    """Marks a parameter as the highest value of a metric that passes; `of` are two whose distance is bounded."""

    metric: str
    of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter of a rule with its limit."""

    parameter: str
    side: AtLeast | AtMost
    limit: float

    @property
    def metric(self) -> str:
        """Return the full name of the metric."""
        return self.side.metric

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the metrics that must be there."""
        return self.side.of or (self.side.metric,)

    @property
    def broken_code(self) -> str:
        """Return the reason code of a value on the wrong side."""
        suffix = "below_min" if isinstance(self.side, AtLeast) else "above_max"
        return f"{self.metric.rpartition('.')[2]}_{suffix}"

    def judge(self, metrics: Metrics) -> Finding:
        """Return where the metric stands; missing, null, NaN, infinite and of the wrong kind are never on a side."""
        values = [metrics.get(name, _ABSENT) for name in self.needs]
        if _ABSENT in values:
            return Finding(self, MISSING_METRIC, None, None)
        read = [usable for value in values if (usable := number(value)) is not None]
        if len(read) < len(values):
            unusable = next(value for value in values if number(value) is None)
            return Finding(self, INVALID_METRIC, _shown(unusable), None)
        return self._compare(read[0] if len(read) == 1 else abs(read[0] - read[1]))

    def _compare(self, value: float) -> Finding:
        at_least = isinstance(self.side, AtLeast)
        good = value >= self.limit if at_least else value <= self.limit
        margin = value - self.limit if at_least else self.limit - value
        return Finding(self, "" if good else self.broken_code, _shown(value), margin if math.isfinite(margin) else None)


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a metric stands towards its bound; an empty `code` is the good side."""

    bound: Bound
    code: str
    observed: object
    margin: float | None

    @property
    def closeness(self) -> float:
        """Return the margin as a share of the limit, to tell which of several bounds is the nearest."""
        if self.margin is None:
            return math.inf
        return self.margin / max(abs(self.bound.limit), 1e-9)

    def numbers(self) -> dict[str, Any]:
        """Return what was observed, the threshold and the margin."""
        return numbers(self.observed, self.bound.limit, self.margin)

    def details(self) -> dict[str, Any]:
        """Return the finding as a JSON value."""
        named = {"parameter": self.bound.parameter, "metric": self.bound.metric}
        return {**named, **self.numbers(), "reason_code": self.code or "ok"}

    def sentence(self) -> str:
        """Return what is wrong, in words."""
        name = self.bound.metric
        if self.code == MISSING_METRIC:
            needs = self.bound.needs
            return f"{name} is missing" if len(needs) == 1 else f"one of {' and '.join(needs)} is missing"
        if self.code == INVALID_METRIC:
            return f"{name} is {_said(self.observed)}, not a finite number"
        side = "below the minimum" if isinstance(self.bound.side, AtLeast) else "above the maximum"
        return f"{name} is {self.observed!r}, {side} of {self.bound.limit!r}"


def _said(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _shown(value: object) -> object:
    """Return a value as JSON can show it: what is not a finite number or a truth is cut to a short text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) else str(value)
    return str(value)[:_MOST_SHOWN]
