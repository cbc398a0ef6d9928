"""A bound: one metric, one limit, and which side is the good one. The limit itself is on the good side."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, cast, overload

from distill_platform.core.expression import Kind
from distill_platform.core.expression.values import reader
from distill_platform.policy.catalogue import metric as declared
from distill_platform.policy.rules.result import INVALID_METRIC, MISSING_METRIC, OK, numbers

Metrics = Mapping[str, Any]
"""Values by full catalogue name. What could not be computed is NaN or None; what nobody computed is not there."""

_MOST_SHOWN = 100
_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_ABSENT = object()
_LARGEST = sys.float_info.max
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
    """A parameter of a rule with its limit; `broken_code` is the reason code of a value on the wrong side.

    `tags` tell what a result that shows this bound is about: metric and parameter.
    """

    parameter: str
    metric: str
    needs: tuple[str, ...]
    at_least: bool
    limit: float
    broken_code: str
    tags: tuple[str, str]
    lowest: float = -_LARGEST
    highest: float = _LARGEST

    @classmethod
    def on(cls, side: AtLeast | AtMost, parameter: str, limit: float, metric_group: str = "") -> Bound:
        """Return the bound that a marked parameter sets; `metric_group` goes before the name of its metric."""
        metric, at_least = metric_group + side.metric, isinstance(side, AtLeast)
        code = f"{metric.rpartition('.')[2]}_{'below_min' if at_least else 'above_max'}"
        known = declared(metric)
        span = (max(known.lowest, -_LARGEST), min(known.highest, _LARGEST)) if known else (-_LARGEST, _LARGEST)
        return cls(parameter, metric, side.of or (metric,), at_least, limit, code, (metric, parameter), *span)

    def judge(self, metrics: Metrics) -> Finding:
        """Return where the metric stands; what is missing, no finite number, or impossible is never on a side."""
        if len(self.needs) > 1:
            return self._judge_distance(metrics)
        raw = metrics.get(self.metric, _ABSENT)
        value = raw if type(raw) is float else number(raw)  # the span leaves NaN and infinities out
        if value is None or not self.lowest <= value <= self.highest:
            return self._unusable(raw)
        good = value >= self.limit if self.at_least else value <= self.limit
        return Finding(self, "" if good else self.broken_code, value)

    def _judge_distance(self, metrics: Metrics) -> Finding:
        raw = [metrics.get(name, _ABSENT) for name in self.needs]
        unusable = [value for value in raw if number(value) is None]
        if unusable:
            return self._unusable(next((value for value in unusable if value is _ABSENT), unusable[0]))
        first, second = (Decimal(repr(float(value))) for value in raw)
        distance = float(abs(first - second))
        good = distance >= self.limit if self.at_least else distance <= self.limit
        return Finding(self, "" if good else self.broken_code, distance)

    def _unusable(self, raw: object) -> Finding:
        if raw is _ABSENT:
            return Finding(self, MISSING_METRIC, None)
        return Finding(self, INVALID_METRIC, raw)

    def margin(self, value: float) -> float | None:
        """Return how far a value is on the good side, in the metric's unit; None where no float can say."""
        margin = value - self.limit if self.at_least else self.limit - value
        return margin if -math.inf < margin < math.inf else None


class Finding(NamedTuple):
    """Where a metric stands towards its bound; an empty `code` is the good side, `value` what was found."""

    bound: Bound
    code: str
    value: Any

    @property
    def measured(self) -> bool:
        """Return whether there is a number to compare."""
        return self.code != MISSING_METRIC and self.code != INVALID_METRIC

    @property
    def margin(self) -> float | None:
        """Return how far the metric is on the good side, in its unit; None where nothing could be compared."""
        return self.bound.margin(self.value) if self.measured else None

    def closeness(self) -> float:
        """Return the margin of a measured value as a share of the limit: the lowest is that of the nearest bound."""
        bound = self.bound
        margin = bound.margin(self.value)
        return math.inf if margin is None else margin / (abs(bound.limit) or 1e-9)

    def numbers(self) -> dict[str, Any]:
        """Return what was observed, the threshold and the margin."""
        return numbers(_shown(self.value), self.bound.limit, self.margin)

    def details(self) -> dict[str, Any]:
        """Return the finding as a JSON value."""
        return {
            "parameter": self.bound.parameter,
            "metric": self.bound.metric,
            **self.numbers(),
            "reason_code": self.code or OK,
        }

    def sentence(self) -> str:
        """Return what is wrong, in words."""
        name = self.bound.metric
        if self.code == MISSING_METRIC:
            needs = self.bound.needs
            return f"{name} is missing" if len(needs) == 1 else f"one of {' and '.join(needs)} is missing"
        if self.code == INVALID_METRIC:
            wrong = "not a finite number" if number(self.value) is None else "which it cannot be"
            return f"{name} is {_said(self.value)}, {wrong}"
        side = "below the minimum" if self.bound.at_least else "above the maximum"
        return f"{name} is {self.value!r}, {side} of {self.bound.limit!r}"


class Details(Mapping[str, Any]):
    """The numbers of a finding, written out when somebody reads them."""

    __slots__ = ("_finding",)

    def __init__(self, finding: Finding) -> None:
        self._finding = finding

    def __getitem__(self, name: str) -> Any:
        """Return observed, threshold or margin."""
        return self._finding.numbers()[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._finding.numbers())

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._finding.numbers())


class Parameters(Sequence[Mapping[str, Any]]):
    """Findings as JSON values, written out when somebody reads them."""

    __slots__ = ("_findings",)

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings

    @overload
    def __getitem__(self, place: int) -> Mapping[str, Any]: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Mapping[str, Any]]: ...

    def __getitem__(self, place: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        """Return one finding, or some."""
        if isinstance(place, slice):
            return Parameters(self._findings[place])
        return self._findings[place].details()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._findings)


def _said(value: object) -> str:
    if isinstance(value, float):
        return str(_shown(value))
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(_shown(value))


def _shown(value: object) -> object:
    """Return a value as JSON can show it: what is not a finite number or a truth is cut to a short text."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _NON_FINITE[str(float(value))]
    return str(value)[:_MOST_SHOWN]
