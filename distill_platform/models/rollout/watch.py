"""Watching: whether a model's days pass, and whether what they come to takes it back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from distill_platform.core.utc import iso
from distill_platform.models.rollout.observation import Observation, Seen
from distill_platform.models.rollout.settings import RolloutSettings

_ANY = -1e9  # fills may be better than expected: slippage has a sign


class AlarmCode(StrEnum):
    """What takes a model back."""

    GATE_FAILURES = "gate_failures"
    DRIFT = "drift"
    REJECTS = "rejects"
    SLIPPAGE = "slippage"


@dataclass(frozen=True)
class Alarm:
    """The first thing that went too far, on the day that ends at `at`."""

    code: AlarmCode
    at: datetime
    sentence: str
    observed: float
    threshold: float


@dataclass(frozen=True)
class Watched:
    """What a model's days come to: which of them passed, why others did not, and the first alarm, None without one."""

    passed: tuple[datetime, ...]
    failed: tuple[tuple[datetime, str], ...]
    failures_in_a_row: int
    alarm: Alarm | None
    seen: Seen = field(repr=False)


def watch(seen: Seen, settings: RolloutSettings) -> Watched:
    """Return what the days of a model come to, one after the other, up to the first alarm.

    What the first days say does not depend on the later ones: watched day by day or all at once, it is the same alarm.
    """
    passed: list[datetime] = []
    failed: list[tuple[datetime, str]] = []
    in_a_row, equity, best = 0, 0.0, 0.0
    for day in seen.days:
        equity += day.ret_net if math.isfinite(day.ret_net) else 0.0
        best = max(best, equity)
        why = "; ".join(_failures(day, best - equity, settings))
        in_a_row = in_a_row + 1 if why else 0
        if why:
            failed.append((day.at, why))
        else:
            passed.append(day.at)
        alarm = _alarm(day, in_a_row, why, settings)
        if alarm is not None:
            return Watched(tuple(passed), tuple(failed), in_a_row, alarm, seen)
    return Watched(tuple(passed), tuple(failed), in_a_row, None, seen)


def _failures(day: Observation, fallen: float, settings: RolloutSettings) -> Iterator[str]:
    """Yield why a day does not pass; what is not known does not."""
    if not settings.min_coverage <= day.coverage <= 1.0:
        yield f"{day.coverage:.1%} of the rows were scored, not {settings.min_coverage:.1%}"
    if not math.isfinite(day.ret_net):
        yield "nobody knows what it made"
    if not fallen <= settings.max_loss:
        yield f"it has lost {fallen:.2%} since its best day here, and {settings.max_loss:.2%} is allowed"
    if day.failed_gates:
        yield f"gates did not hold: {', '.join(day.failed_gates)}"
    numbers = {"drift": (day.drift, 0.0), "rejects": (day.reject_ratio, 0.0), "slippage": (day.slippage_ratio, _ANY)}
    for name, (value, least) in numbers.items():
        if value is not None and not value >= least:
            yield f"nobody knows its {name}"


def _alarm(day: Observation, in_a_row: int, why: str, settings: RolloutSettings) -> Alarm | None:
    """Return the alarm that this day raises, the gravest first."""
    rejects, slippage = day.reject_ratio or 0.0, day.slippage_ratio or 0.0
    when = f"on the day until {iso(day.at)}"
    if day.drift > 1.0:
        sentence = f"{day.drift_feature or 'a feature'} drifted to {day.drift:.2f} times its bound {when}"
        return Alarm(AlarmCode.DRIFT, day.at, sentence, day.drift, 1.0)
    if rejects > 1.0:
        sentence = f"orders were rejected {rejects:.2f} times as often as is still usual {when}"
        return Alarm(AlarmCode.REJECTS, day.at, sentence, rejects, 1.0)
    if slippage > 1.0:
        sentence = f"slippage was {slippage:.2f} times what is still usual {when}"
        return Alarm(AlarmCode.SLIPPAGE, day.at, sentence, slippage, 1.0)
    if in_a_row >= settings.max_failures:
        sentence = f"{in_a_row} days in a row did not pass, the last until {iso(day.at)}: {why}"
        return Alarm(AlarmCode.GATE_FAILURES, day.at, sentence, in_a_row, settings.max_failures)
    return None
