"""An index of events: which weighed most for a symbol at a moment, found again and again without another search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.projecting import HOUR_NS, ProjectionSettings, decayed, known_events, seen_by
from distill_platform.models.frames import Floats, Integers


@dataclass(frozen=True, eq=False)
class _Scope:
    """First reports about one symbol, or about the market, in the order in which they became available."""

    when: Integers
    tier_weight: Floats
    row: Integers


@dataclass(frozen=True, eq=False)
class EventIndex:
    """Events that features are made of, ready to be asked for. `columns` are those of the events' table, by name."""

    scopes: Mapping[str, _Scope] = field(repr=False)
    columns: Mapping[str, list[object]] = field(repr=False)
    settings: ProjectionSettings

    def heaviest(self, symbol: str, ts: int, count: int) -> list[dict[str, object]]:
        """Return the events about a symbol or the market that weighed most at `ts`, nanoseconds since 1970 UTC.

        Each as `schema.EVENT` has it. Weights are the terms of the intensity with the longest half-life: those that
        `feeds.events.attribution.top_events` gives. The younger of two equal weights comes first.
        """
        found = [each for scope in (symbol, MARKET) for each in self._within(scope, ts, count)]
        found.sort(key=lambda each: (-each[0], each[1], each[2]))
        return [self._named(*each) for each in found[:count]]

    def _within(self, scope: str, ts: int, count: int) -> list[tuple[float, int, int]]:
        """Return weight, age and row of the heaviest events of a scope."""
        own = self.scopes.get(scope)
        if own is None:
            return []
        oldest = ts - self.settings.lookback_h * HOUR_NS
        first, last = np.searchsorted(own.when, [oldest, ts], side="right").tolist()
        if first == last:
            return []
        age = ts - own.when[first:last]
        weight = decayed(own.tier_weight[first:last], age, self.settings.half_lives_h[-1])
        order = np.lexsort((own.row[first:last], age, -weight))[:count]
        rows = own.row[first:last][order]
        return list(zip(weight[order].tolist(), age[order].tolist(), rows.tolist(), strict=True))

    def _named(self, weight: float, age: int, row: int) -> dict[str, object]:
        plain = {name: values[row] for name, values in self.columns.items()}
        return {**plain, "weight": weight, "age_h": age / HOUR_NS}


def index_events(events: pa.Table, settings: ProjectionSettings) -> EventIndex:
    """Return the index of a table of EVENTS, repetitions left out. Errors: as `feeds.events.projecting.project`."""
    seen = seen_by(known_events(events), settings)
    leading = seen.filter(seen["leads"])
    when = np.array(leading["available_ns"], dtype=np.int64)
    weights = settings.tier_weights.of(np.array(leading["tier"]))
    scopes = {}
    for symbol in pc.unique(leading["symbol"]).to_pylist():
        rows = np.flatnonzero(np.array(pc.equal(leading["symbol"], symbol)))
        scopes[symbol] = _Scope(when[rows], weights[rows], rows)
    names = ("event_id", "title", "symbol", "tier", "polarity")
    return EventIndex(scopes, {name: leading[name].to_pylist() for name in names}, settings)
