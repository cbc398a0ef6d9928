"""Projection: events as features, known at a moment and of bounded memory.

Every number is summed over one window of the past, oldest event first, and over nothing else: computed for one moment
alone it has the bits that it has among a million. Nobody can tell from zeros whether nothing happened or nobody
listened, so `events_missing` says when no report about anybody had come in for a while.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from distill_platform.core.config import StrictModel
from distill_platform.core.kernel import kernel
from distill_platform.feeds.events.event import MARKET

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Hours = Annotated[int, Field(ge=1, le=24 * 366)]
Weight = Annotated[float, Field(ge=0.0, le=1.0)]

HOUR_NS = 3_600_000_000_000
_NS_PER_US = 1_000
_LATEST_US = 2**63 // _NS_PER_US - 1
_LN_2 = math.log(2.0)
_NOBODY = "events"  # what the names of features begin with that are about nobody in particular


class TierWeights(StrictModel):
    """How much a report counts by the tier of its feed."""

    tier_1: Weight = 1.0
    tier_2: Weight = 0.5
    tier_3: Weight = 0.25

    def of(self, tier: npt.NDArray[np.int8]) -> Floats:
        """Return the weights of tiers 1 to 3, shape (N,)."""
        weights: Floats = np.array([self.tier_1, self.tier_2, self.tier_3])[tier.astype(np.int64) - 1]
        return weights


class ProjectionSettings(StrictModel):
    """Which windows of the past events are counted over, and how fast they are forgotten; all in whole hours."""

    lookback_h: Hours = 168
    count_windows_h: Annotated[list[Hours], Field(min_length=1, max_length=8)] = Field(
        default_factory=lambda: [1, 24, 168]
    )
    half_lives_h: Annotated[list[Hours], Field(min_length=1, max_length=8)] = Field(default_factory=lambda: [6, 24])
    outlets_window_h: Hours = 24
    silence_h: Hours = 24
    tier_weights: TierWeights = TierWeights()
    exclude_low_quality: bool = True

    @model_validator(mode="after")
    def _within_the_lookback(self) -> Self:
        for name, hours in (("count_windows_h", self.count_windows_h), ("half_lives_h", self.half_lives_h)):
            if sorted(set(hours)) != hours:
                raise ValueError(f"{name} must increase, and name no number of hours twice")
        longest = max(*self.count_windows_h, self.outlets_window_h, self.silence_h)
        if longest > self.lookback_h:
            raise ValueError(f"lookback_h is {self.lookback_h}, but a window of {longest} hours is asked for")
        return self


@dataclass(frozen=True)
class EventFeature:
    """One column of the projection; it looks back on less than `lookback_h` hours."""

    name: str
    definition: str
    unit: str
    lookback_h: int


def event_features(settings: ProjectionSettings) -> tuple[EventFeature, ...]:
    """Return what `project` computes, in the order of its columns: of the symbol, of the market, of nobody."""
    of_symbol = _scope_features("event", "about the symbol", settings)
    of_market = _scope_features("market_event", "about the market as a whole", settings)
    silence = EventFeature(
        f"{_NOBODY}_missing",
        f"1 where no report about anybody became available in the last {settings.silence_h} hours, else 0",
        "flag",
        settings.silence_h,
    )
    return (*of_symbol, *of_market, silence)


def _scope_features(prefix: str, about: str, settings: ProjectionSettings) -> list[EventFeature]:
    counts = [
        EventFeature(
            f"{prefix}_count_{hours}h", f"Weights of first reports {about}, summed over {hours} hours", "weight", hours
        )
        for hours in settings.count_windows_h
    ]
    decayed = [
        EventFeature(
            f"{prefix}_{name}_{hours}h",
            f"{what} of first reports {about}, halved every {hours} hours and cut off after {settings.lookback_h}",
            "weight",
            settings.lookback_h,
        )
        for name, what in (("intensity", "Weights"), ("polarity", "Weights times polarity"))
        for hours in settings.half_lives_h
    ]
    window = settings.outlets_window_h
    outlets = EventFeature(
        f"{prefix}_outlets_{window}h", f"Different outlets that reported {about} within {window} hours", "count", window
    )
    age = EventFeature(
        f"{prefix}_age_h",
        f"Hours since the latest first report {about}, at most {settings.lookback_h}",
        "hours",
        settings.lookback_h,
    )
    return [*counts, *decayed, outlets, age]


def project(
    events: pa.Table, ts: Any, symbols: tuple[str, ...], settings: ProjectionSettings
) -> tuple[Floats, tuple[str, ...]]:
    """Return features of events at T moments for N symbols, shape (T, N, F), and the F names.

    `events` is a table of EVENTS, `ts` int64 nanoseconds since 1970 UTC, shape (T,), both in any order. An event is
    seen from `available_at` on, and a window of h hours holds those of age below h. First reports alone are counted, by
    the weight of their tier; outlets count those who repeat them too. Linked by a guess, a report is never seen, and
    one of low quality only if the settings say so. Nothing is NaN: a sum over no events is 0, see `event_features`.
    O(T events in the lookback).

    Raises ValueError for stamps of another shape or type, and for tiers and polarities out of range.
    """
    stamps = _stamps(ts)
    names = tuple(feature.name for feature in event_features(settings))
    values = np.zeros((len(stamps), len(symbols), len(names)))
    known = known_events(events)
    seen = seen_by(known, settings)
    width = (len(names) - 1) // 2
    market = _of_scope(seen, MARKET, stamps, settings)
    for place, symbol in enumerate(symbols):
        values[:, place, :width] = _of_scope(seen, symbol, stamps, settings)
        values[:, place, width : 2 * width] = market
    values[:, :, -1] = _silence(known, stamps, settings)[:, np.newaxis]
    return values, names


def known_events(events: pa.Table) -> pa.Table:
    """Return the events in their order, checked, with `available_ns`: the moment from which each was known.

    Raises ValueError for tiers and polarities out of range.
    """
    ordered = events.sort_by([(name, "ascending") for name in ("available_at", "event_id", "symbol")]).combine_chunks()
    tier, polarity = np.array(ordered["tier"]), np.array(ordered["polarity"])
    if not ((tier >= 1) & (tier <= 3)).all():
        raise ValueError("tier of an event must be 1, 2 or 3")
    if not (np.abs(polarity) <= 1.0).all():
        raise ValueError("polarity of an event must lie in [-1, 1]")
    micros = np.array(ordered["available_at"].cast(pa.int64()))
    if not ((micros >= 0) & (micros <= _LATEST_US)).all():
        raise ValueError("available_at of an event must lie after 1970, in the range of nanoseconds")
    return ordered.append_column("available_ns", pa.array(micros * _NS_PER_US))


def seen_by(known: pa.Table, settings: ProjectionSettings) -> pa.Table:
    """Return the events of `known_events` that features are made of: none linked by a guess, none of low quality."""
    kept = pc.invert(known["synthetic_link"])
    if settings.exclude_low_quality:
        kept = pc.and_(kept, pc.invert(known["is_low_quality"]))
    return known.filter(kept)


def _stamps(ts: Any) -> Integers:
    stamps = np.asarray(ts)
    if stamps.ndim != 1 or stamps.dtype != np.int64:
        raise ValueError(f"ts must be one dimension of int64 nanoseconds, not {stamps.dtype} of shape {stamps.shape}")
    if (stamps < 0).any():
        raise ValueError("ts must not lie before 1970")
    return np.array(stamps)


def _of_scope(seen: pa.Table, symbol: str, stamps: Integers, settings: ProjectionSettings) -> Floats:
    """Return the features of one symbol, or of the market, shape (T, features of a scope)."""
    own = seen.filter(pc.equal(seen["symbol"], symbol))
    when, leads, polarity = (np.array(own[name]) for name in ("available_ns", "leads", "polarity"))
    weight = settings.tier_weights.of(np.array(own["tier"]))
    names, outlet = np.unique(np.array(own["outlet"], object), return_inverse=True)
    windows, half_lives = (_ns(hours) for hours in (settings.count_windows_h, settings.half_lives_h))
    values = np.empty((len(stamps), len(windows) + 2 * len(half_lives) + 2))
    _sum_windows(
        stamps, when, leads, weight, polarity, windows, half_lives, settings.lookback_h * HOUR_NS, values
    )  # fmt: skip
    _count_outlets(
        stamps, when, outlet.astype(np.int64), settings.outlets_window_h * HOUR_NS, len(names), values[:, -2]
    )
    return values


def _ns(hours: list[int]) -> Integers:
    return np.array(hours, np.int64) * HOUR_NS


def _silence(known: pa.Table, stamps: Integers, settings: ProjectionSettings) -> Floats:
    """Return 1 where nothing at all became available for a while, shape (T,)."""
    when = np.array(known["available_ns"])
    first = np.searchsorted(when, stamps - settings.silence_h * HOUR_NS, "right")
    silent: Floats = (first == np.searchsorted(when, stamps, "right")).astype(np.float64)
    return silent


def decayed(weight: Floats, age_ns: Integers, half_life_h: int) -> Floats:
    """Return weights halved once for each half-life of their age, shape (N,): the terms that `project` sums."""
    terms = np.empty(len(weight))
    _decay_all(np.ascontiguousarray(weight, np.float64), age_ns, half_life_h * HOUR_NS, terms)
    return terms


@kernel
def _decay(weight: float, age: int, half_life: int) -> float:
    return weight * math.exp(-_LN_2 * (age / half_life))


@kernel
def _decay_all(weight: Floats, age: Integers, half_life: int, terms: Floats) -> None:
    for event in range(len(weight)):
        terms[event] = _decay(weight[event], age[event], half_life)


@kernel
def _sum_windows(
    stamps: Integers,
    when: Integers,
    leads: Flags,
    weight: Floats,
    polarity: Floats,
    windows: Integers,
    half_lives: Integers,
    lookback: int,
    values: Floats,
) -> None:
    """Fill counts, intensities and polarities, leave a column for outlets, and fill the age of the latest."""
    intensities = len(windows)
    polarities = intensities + len(half_lives)
    for row in range(len(stamps)):
        now = stamps[row]
        values[row] = 0.0
        youngest = lookback
        for event in range(np.searchsorted(when, now - lookback, "right"), np.searchsorted(when, now, "right")):
            if leads[event]:
                age = now - when[event]
                youngest = age
                for place in range(len(windows)):
                    if age < windows[place]:
                        values[row, place] += weight[event]
                for place in range(len(half_lives)):
                    term = _decay(weight[event], age, half_lives[place])
                    values[row, intensities + place] += term
                    values[row, polarities + place] += term * polarity[event]
        values[row, -1] = youngest / HOUR_NS


@kernel
def _count_outlets(
    stamps: Integers, when: Integers, outlet: Integers, window: int, outlets: int, counts: Floats
) -> None:
    """Fill how many different outlets reported within the window; `noted` holds the last row that each counted in."""
    noted = np.full(outlets, -1, np.int64)
    for row in range(len(stamps)):
        now = stamps[row]
        found = 0
        for event in range(np.searchsorted(when, now - window, "right"), np.searchsorted(when, now, "right")):
            if noted[outlet[event]] != row:
                noted[outlet[event]] = row
                found += 1
        counts[row] = found
