"""Selecting: the runs that did not fail, then the best k strategies, then the unlike, then those past the hysteresis.

A strategy stands for itself with its best run. One that a step leaves out does not make room for the next in rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from distill_platform.policy.ranking import MetricsLine, best_of_each, ranked
from distill_platform.policy.rules import RuleResult
from distill_platform.policy.rules.bound import number
from distill_platform.policy.rules.result import INVALID_METRIC, MISSING_METRIC, numbers
from distill_platform.policy.selection import Correlation, Hysteresis, Selection, TopK, is_lower_better
from distill_platform.policy.words import Owner, Severity, Status

UNKNOWN_CORRELATION = 0.5
"""What two strategies are taken to correlate at when nobody measured it."""


@dataclass(frozen=True)
class Context:
    """What a selection needs to know beside the runs: correlations by sorted pair, and who was selected before."""

    correlations: Mapping[tuple[str, str], float] = field(default_factory=lambda: MappingProxyType({}))
    previous_selection: frozenset[str] = frozenset()

    def correlation(self, first: str, second: str) -> float:
        """Return the correlation of two strategies, in whichever order; 0.5 where it is not known."""
        pair = (first, second) if first < second else (second, first)
        return self.correlations.get(pair, UNKNOWN_CORRELATION)


@dataclass(frozen=True)
class Selected:
    """The strategies that were selected, best first, and why each of the others was left out."""

    strategies: tuple[str, ...]
    left_out: Mapping[str, RuleResult]


def select(selection: Selection, candidates: Iterable[MetricsLine], context: Context) -> Selected:
    """Return the selection among runs that did not fail, whatever their order."""
    left = best_of_each(ranked(candidates, selection.rank_metric))
    out: dict[str, RuleResult] = {}
    if selection.top_k is not None:
        left = _top_k(left, selection.top_k, out)
    if selection.correlation is not None:
        left = _unlike(left, selection.correlation, context, out)
    if selection.hysteresis is not None:
        left = _past_hysteresis(left, selection.hysteresis, context, out)
    return Selected(tuple(line.strategy_id for line in left), out)


def _top_k(lines: Sequence[MetricsLine], top: TopK, out: dict[str, RuleResult]) -> list[MetricsLine]:
    usable = _with_usable(lines, top.metric, out)
    for rank, line in enumerate(usable[top.k :], start=top.k + 1):
        reason = f"{line.strategy_id} is number {rank} by {top.metric}, and {top.k} are taken"
        out[line.strategy_id] = _left_out("rank_outside_top_k", reason, rank, top.k, top.k - rank)
    return usable[: top.k]


def _unlike(
    lines: Sequence[MetricsLine], limit: Correlation, context: Context, out: dict[str, RuleResult]
) -> list[MetricsLine]:
    taken: list[MetricsLine] = []
    for line in lines:
        against = {other.strategy_id: context.correlation(line.strategy_id, other.strategy_id) for other in taken}
        nearest = max(against, key=against.__getitem__, default="")
        if nearest and against[nearest] > limit.max:
            highest = against[nearest]
            reason = f"{line.strategy_id} correlates at {highest!r} with {nearest}, above the maximum of {limit.max!r}"
            code = "correlation_constraint_failed"
            out[line.strategy_id] = _left_out(code, reason, highest, limit.max, limit.max - highest)
        else:
            taken.append(line)
    return taken


def _past_hysteresis(
    lines: Sequence[MetricsLine], band: Hysteresis, context: Context, out: dict[str, RuleResult]
) -> list[MetricsLine]:
    lower = is_lower_better(band.metric)
    taken = []
    for line in _with_usable(lines, band.metric, out):
        member = line.strategy_id in context.previous_selection
        value, limit = line.metrics[band.metric], band.exit if member else band.enter
        if value <= limit if lower else value >= limit:
            taken.append(line)
            continue
        code, role = ("hysteresis_exit", "stay") if member else ("hysteresis_not_entered", "enter")
        reason = f"{band.metric} of {line.strategy_id} is {value!r}, and it takes {limit!r} to {role}"
        out[line.strategy_id] = _left_out(code, reason, value, limit, limit - value if lower else value - limit)
    return taken


def _with_usable(lines: Sequence[MetricsLine], metric: str, out: dict[str, RuleResult]) -> list[MetricsLine]:
    """Return the runs with a usable value of `metric`; whoever has none cannot be ranked and is left out."""
    usable = []
    for line in lines:
        if number(line.metrics.get(metric)) is not None:
            usable.append(line)
            continue
        code = INVALID_METRIC if metric in line.metrics else MISSING_METRIC
        reason = f"{line.strategy_id} cannot be ranked: {metric} is missing or no finite number"
        out[line.strategy_id] = _left_out(code, reason, None, None, None)
    return usable


def _left_out(
    code: str, reason: str, observed: float | None, threshold: float | None, margin: float | None
) -> RuleResult:
    details = numbers(observed, threshold, margin)
    return RuleResult("selection", Status.FAIL, Severity.SOFT, Owner.RISK, code, reason, (code,), details)
