"""Attribution: which events a symbol's event features were made of at a moment, the weightiest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.events.projecting import HOUR_NS, ProjectionSettings, decayed, known_events, seen_by


@dataclass(frozen=True, slots=True)
class Attribution:
    """One event behind a feature; `weight` is what it adds to the intensity, times `polarity` to the polarity."""

    event_id: str
    title: str
    tier: int
    weight: float
    age_h: float
    polarity: float


def top_events(
    events: pa.Table, symbol: str, ts: int, settings: ProjectionSettings, count: int = 5
) -> tuple[Attribution, ...]:
    """Return the events about a symbol (or MARKET) that weighed most at `ts`, nanoseconds since 1970 UTC.

    Weights are the terms of the intensity with the longest half-life that `project` computes: those of all events, the
    oldest first, add up to it to the last bit. The younger of two equal weights comes first. Repetitions weigh nothing
    and are not listed. Raises ValueError for tiers and polarities out of range.
    """
    seen = seen_by(known_events(events.filter(pc.equal(events["symbol"], symbol))), settings)
    age = ts - np.array(seen["available_ns"])
    counted = np.flatnonzero((age >= 0) & (age < settings.lookback_h * HOUR_NS) & np.array(seen["leads"]))
    own, age = seen.take(pa.array(counted)), age[counted]
    weights = decayed(settings.tier_weights.of(np.array(own["tier"])), age, settings.half_lives_h[-1])
    heaviest = sorted(range(own.num_rows), key=lambda row: (-weights[row], age[row], row))[:count]
    rows = own.take(pa.array(heaviest, pa.int64())).to_pylist()
    return tuple(
        Attribution(
            row["event_id"],
            row["title"],
            row["tier"],
            float(weights[place]),
            float(age[place]) / HOUR_NS,
            row["polarity"],
        )
        for place, row in zip(heaviest, rows, strict=True)
    )
