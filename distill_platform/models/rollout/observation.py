"""Observations: what was seen of one model on one day, and what several reports of the same day come to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import numpy as np

from distill_platform.core.errors import RolloutError
from distill_platform.models.frames import Floats
from distill_platform.models.rollout.drift import DriftReading
from distill_platform.models.rollout.execution import Execution, ExecutionBounds


@dataclass(frozen=True)
class Observation:
    """One model on the day that ends at `at`. NaN is what nobody could find out, and such a day does not pass.

    `coverage` is the share of the rows that it could score, `ret_net` what its decisions made after costs, as a share
    of equity, `drift` the ratio of `DriftReading`, above 1 for drift. `reject_ratio` and `slippage_ratio` are those of
    `Execution` over their bounds, above 1 for an anomaly, None when nothing was ordered. `failed_gates` are the gates
    of its world, or of the feeds behind it, that did not hold.
    """

    artifact_sha256: str
    at: datetime
    coverage: float
    ret_net: float
    drift: float
    drift_feature: str = ""
    reject_ratio: float | None = None
    slippage_ratio: float | None = None
    failed_gates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What counts of a model since it stands where it stands, by day; and how much did not count, and why."""

    days: tuple[Observation, ...]
    late: int
    ahead: int
    duplicates: int
    of_others: int


def observation_of(
    artifact_sha256: str,
    at: datetime,
    scores: Floats,
    ret_net: float,
    drift: DriftReading,
    execution: Execution,
    usual: ExecutionBounds,
    failed_gates: tuple[str, ...] = (),
) -> Observation:
    """Return the observation of one model on the day that ends at `at`, from its scores of that day's usable rows.

    No row at all is a coverage of 0: a day on which there was nothing to score does not pass.
    """
    return Observation(
        artifact_sha256=artifact_sha256,
        at=at,
        coverage=float(np.isfinite(scores).mean()) if len(scores) else 0.0,
        ret_net=ret_net,
        drift=drift.ratio,
        drift_feature=drift.feature,
        reject_ratio=_over(execution.reject_rate, usual.reject_rate),
        slippage_ratio=_over(execution.slippage_bps, usual.slippage_bps),
        failed_gates=failed_gates,
    )


def seen_of(observations: Iterable[Observation], artifact_sha256: str, since: datetime, until: datetime) -> Seen:
    """Return what counts of one model after `since` and up to `until`, in whatever order it comes.

    A day that was reported more than once counts once, at whatever moment of it; where its reports differ, the worst of
    each number does. Raises RolloutError for a moment without a zone: nobody can say which day it is of.
    """
    given = [_dated(each) for each in observations]
    own = [each for each in given if each.artifact_sha256 == artifact_sha256]
    inside = [each for each in own if since < each.at <= until]
    days: dict[datetime, list[Observation]] = {}
    for each in inside:
        end = day_end(each.at)
        days.setdefault(end, []).append(replace(each, at=end))
    return Seen(
        days=tuple(reduce(_worse, days[at]) for at in sorted(days)),
        late=sum(each.at <= since for each in own),
        ahead=sum(each.at > until for each in own),
        duplicates=len(inside) - len(days),
        of_others=len(given) - len(own),
    )


def day_end(at: datetime) -> datetime:
    """Return the end of the UTC day that a moment belongs to; midnight is the end of the day before it."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == at else midnight + timedelta(days=1)


def _dated(seen: Observation) -> Observation:
    if seen.at.tzinfo is None:
        message = f"an observation of {seen.artifact_sha256[:12]} at {seen.at.isoformat()} names no zone"
        raise RolloutError(message, hint="Give the moment in UTC")
    return seen


def _worse(one: Observation, other: Observation) -> Observation:
    """Return the worst of two reports of one day: the same, whichever came first."""
    if one == other:
        return one
    features = {(each.drift, each.drift_feature) for each in (one, other)}
    drift = _largest(one.drift, other.drift)
    return replace(
        one,
        coverage=_smallest(one.coverage, other.coverage),
        ret_net=_smallest(one.ret_net, other.ret_net),
        drift=drift,
        drift_feature=max((name for value, name in features if value == drift), default=""),
        reject_ratio=_larger(one.reject_ratio, other.reject_ratio),
        slippage_ratio=_larger(one.slippage_ratio, other.slippage_ratio),
        failed_gates=tuple(sorted({*one.failed_gates, *other.failed_gates})),
    )


def _largest(one: float, other: float) -> float:
    """Return the larger number; one beyond its bound, then what is not known, then any other."""
    if math.isnan(one) or math.isnan(other):
        known = other if math.isnan(one) else one
        return known if known > 1.0 else math.nan
    return max(one, other)


def _smallest(one: float, other: float) -> float:
    return math.nan if math.isnan(one) or math.isnan(other) else min(one, other)


def _larger(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return reduce(_largest, known) if known else None


def _over(value: float | None, bound: float) -> float | None:
    return None if value is None else value / bound
